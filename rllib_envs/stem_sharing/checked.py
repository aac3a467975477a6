"""Numbers from people: each is checked, and called by its name when it is wrong."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from enum import StrEnum
from typing import Any, TypeVar

from rllib_envs.errors import UserError
from rllib_envs.names import choose

Kind = TypeVar("Kind", bound=StrEnum)


def finite(value: Any, name: str, low: float = -math.inf, high: float = math.inf) -> float:
    """The number, if it is one from `low` to `high`. Raises UserError."""
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:  # a whole number of hundreds of digits
        number = math.inf
    if not math.isfinite(number) or not low <= number <= high:
        bounds = "" if (low, high) == (-math.inf, math.inf) else f" from {low:g} to {high:g}"
        raise UserError(f"{name} has to be a number{bounds}, got {value!r}")
    return number


def whole(value: Any, name: str, low: int = 0) -> int:
    """The whole number, also where JSON made text of it because it is a key. Raises UserError."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not text.isdecimal() or int(text) < low:
        raise UserError(f"{name} has to be a whole number of at least {low}, got {value!r}")
    return int(text)


def no_others(found: Iterable[str], known: Collection[str], what: str) -> None:
    """Raises UserError for the first name that is not known."""
    for name in found:
        choose(name, known, f"entry of {what}")


def member(kind: type[Kind], value: Any, name: str) -> Kind:
    """The member of an enumeration with this value. Raises UserError."""
    return kind(choose(str(value), [str(known) for known in kind], name))
