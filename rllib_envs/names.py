"""Choosing by name: a wrong name is answered with the nearest right one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from rllib_envs.errors import UserError


def choose(name: str, names: Iterable[str], what: str) -> str:
    """Return `name` if it is one of `names`; otherwise raise UserError with a suggestion and the whole list."""
    known = list(names)
    if name in known:
        return name
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    raise UserError(f"unknown {what} {name!r}; {hint}")
