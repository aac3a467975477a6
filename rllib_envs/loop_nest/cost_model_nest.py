"""A planned loop nest as the cost model counts it: iterations of each loop, and what lies inside each."""

from __future__ import annotations

from math import ceil, gcd, prod
from typing import NamedTuple

from rllib_envs.loop_nest.backend.plan import Access, Plan, Tensor, vector_count
from rllib_envs.loop_nest.statement import Statement

LINE_BYTES = 64
FLOAT_BYTES = 4
OVERFLOW = 0.25
"""Working set beyond a cache's size, as a part of that size, from which on nothing is found again. Up to there
the replacement, which is not strictly least-recently-used, keeps some of it (measured)."""


class Nest(NamedTuple):
    """Counts by depth; depth 0 is outside all loops. The innermost iteration is one vector operation."""

    plan: Plan
    tensors: tuple[Tensor, ...]
    """C, A and perhaps B."""
    iterations: list[float]
    """Of each loop, each time it runs; a tail counts as the part of an iteration that it is."""
    extents: list[dict[str, int]]
    """What each variable spans at a depth; one entry more than there are loops."""

    def runs(self, depth: int) -> float:
        """How often the part of the nest from `depth` inwards runs."""
        return prod(self.iterations[:depth])


def make_nest(statement: Statement, plan: Plan, lanes: int) -> Nest:
    vector, last = plan.vector, len(plan.loops) - 1
    steps = tuple(loop.step for loop in plan.loops if loop.var == vector)
    extent = dict(statement.size)
    extents = [extent]
    iterations: list[float] = []
    vectors = vector_count(extent[vector], steps, lanes)
    for depth, (var, step, _) in enumerate(plan.loops):
        inside = min(extent[var], min(lanes, extent[var]) if depth == last else step)
        if var != vector:
            iterations.append(extent[var] / inside)
        else:
            steps = steps[1:]
            rest = vector_count(inside, steps, lanes) if steps else 1
            iterations.append(vectors / rest)
            vectors = rest
        extent = {**extent, var: inside}
        extents.append(extent)
    return Nest(plan, (plan.output, *plan.inputs), iterations, extents)


def register_loads(nest: Nest, registers: int) -> list[float]:
    """Loads of each input in one run of the block, when `registers` hold operands.

    A loop that does not move an input finds in registers what fits there beside one operand that passes through.
    """
    plan = nest.plan
    loads = [1.0] * len(plan.inputs)
    different = [1.0] * len(plan.inputs)
    for depth in reversed(range(plan.block, len(plan.loops))):
        var, count = plan.loops[depth].var, nest.iterations[depth]
        again = 0.0
        for index, tensor in enumerate(plan.inputs):
            if var in tensor.stride:
                loads[index] *= count
                different[index] *= count
            else:
                again += different[index]
        if again:
            kept = min(1.0, (registers - 1) / again)
            for index, tensor in enumerate(plan.inputs):
                if var not in tensor.stride:
                    loads[index] += (count - 1) * (loads[index] - kept * different[index])
    return loads


def lines_by_depth(nest: Nest) -> list[list[float]]:
    """Different cache lines of each tensor that one run of the nest from a depth inwards touches."""
    groups = [_by_stride(tensor) for tensor in nest.tensors]
    lines = [[_lines(group, nest.extents[0]) for group in groups]]
    for loop, extents in zip(nest.plan.loops, nest.extents[1:], strict=True):
        lines.append(
            [
                _lines(group, extents) if loop.var in tensor.stride else outside
                for tensor, group, outside in zip(nest.tensors, groups, lines[-1], strict=True)
            ]
        )
    return lines


def lines_fetched(
    nest: Nest, lines: list[list[float]], cache_bytes: int, ways: int = 0, write_back: float = 0.0
) -> float:
    """Lines that one run of the whole nest brings into a cache, when the nest runs again and again.

    From one iteration of a loop to the next, a line is found again if all that an iteration touches fits. With `ways`,
    each tensor's lines also have to fit into the sets that its strides reach: few, where a stride is a large power
    of two. A line of C counts `write_back` more, because it leaves the cache again.
    """
    fullness = [sum(touched) * LINE_BYTES / cache_bytes for touched in lines]
    if ways:
        _add_conflicts(fullness, nest, cache_bytes // (LINE_BYTES * ways), ways)
    missing = [_missing(part) for part in fullness]
    if not missing[0]:
        return 0.0
    fetched = 0.0
    for index, tensor in enumerate(nest.tensors):
        count = lines[-1][index]
        for depth in reversed(range(len(nest.plan.loops))):
            anew = count * nest.iterations[depth]
            found_again = count
            if nest.plan.loops[depth].var in tensor.stride:
                found_again = min(anew, max(count, lines[depth][index]))
            count = found_again + (anew - found_again) * missing[depth + 1]
        fetched += count * missing[0] * (1.0 + write_back if index == 0 else 1.0)
    return fetched


def _missing(fullness: float) -> float:
    """Part of the reuse that is lost when a working set is `fullness` times as large as the cache."""
    return min(1.0, max(0.0, (fullness - 1.0) / OVERFLOW))


def _by_stride(tensor: Tensor) -> list[tuple[int, list[str]]]:
    """The variables of a tensor by stride, smallest first. Those of a sliding window share theirs."""
    groups: dict[int, list[str]] = {}
    for var, stride in tensor.stride.items():
        groups.setdefault(stride, []).append(var)
    return sorted(groups.items())


def _lines(groups: list[tuple[int, list[str]]], extents: dict[str, int]) -> float:
    span, pieces = FLOAT_BYTES, 1
    for stride, names in groups:
        steps = sum([extents[name] - 1 for name in names])
        if stride <= span or stride < LINE_BYTES:
            span += steps * stride
        else:
            pieces *= steps + 1
    return float(pieces * ceil(span / LINE_BYTES))


def _add_conflicts(fullness: list[float], nest: Nest, sets: int, ways: int) -> None:
    """Raise the fullness by depth to that of the sets which a tensor's lines fall into, for the fullest ones."""
    others = len(nest.tensors) - 1
    for tensor in nest.tensors:
        for var, stride in tensor.stride.items():
            # Steps after which the variable comes back to a set. The other tensors need a line of that set, too.
            period = sets // gcd(stride // LINE_BYTES, sets) if stride % LINE_BYTES == 0 else sets
            if period == sets or nest.extents[0][var] <= period * (ways - others):
                continue
            for depth, extents in enumerate(nest.extents):
                if extents[var] > period:
                    crowd = extents[var] / period + others
                    fullness[depth] = max(fullness[depth], crowd / ways)


def second_lines(tensor: Tensor, lanes: int) -> float:
    """Part of the accesses to a packed tensor's vectors that touch two lines: most, where rows start anywhere."""
    vector_bytes = min(lanes * FLOAT_BYTES, LINE_BYTES)
    aligned = tensor.access is not Access.PACKED or all(
        stride % vector_bytes == 0 or stride == FLOAT_BYTES for stride in tensor.stride.values()
    )
    return 0.0 if aligned else (lanes - 1) * FLOAT_BYTES / LINE_BYTES


def partial_vectors(nest: Nest, lanes: int) -> bool:
    """Whether the vector loop's last vector is partly filled, so that C is stored under a mask."""
    return nest.plan.output.access is Access.PACKED and nest.extents[-2][nest.plan.vector] % lanes != 0
