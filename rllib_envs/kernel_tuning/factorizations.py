"""The ways to split a loop into several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def factorizations(
    extent: int, levels: int, innermost: int = 0, allowed: Sequence[int] = ()
) -> tuple[tuple[int, ...], ...]:
    """All tuples of `levels` factors, outermost first, whose product is `extent`, in lexicographic order.

    The last is at most `innermost` where that is more than 0. Factors are taken from `allowed` where that has any.
    """
    usable = [divisor for divisor in divisors(extent) if not allowed or divisor in allowed]
    last = {divisor for divisor in usable if innermost <= 0 or divisor <= innermost}

    def split(rest: int, count: int) -> Iterator[tuple[int, ...]]:
        if count == 1:
            if rest in last:
                yield (rest,)
            return
        for factor in usable:
            if rest % factor == 0:
                for inner in split(rest // factor, count - 1):
                    yield (factor, *inner)

    return tuple(split(extent, levels))


def divisors(number: int) -> list[int]:
    small = [one for one in range(1, int(number**0.5) + 1) if number % one == 0]
    return sorted({*small, *(number // one for one in small)})
