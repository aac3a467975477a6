"""What an agent can do to a loop nest: LoopTune's actions (Grubisic et al. 2023, arXiv:2309.01825) and a few more.

Each action is two functions: `refusal` says in words why it is not possible in a state ("" when it is), and `apply`
makes the next state. Where LoopTune's original lets an action through that changes nothing (exchanging two loops of
one variable, splitting into a loop of one iteration, merging without a partner), it is refused here, so that every
legal action leads somewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend.loops import Loop
from rllib_envs.loop_nest.state import NestState
from rllib_envs.names import choose
from rllib_envs.problem import STOP

MAX_LOOPS = 10
"""Loops in one nest at most, as in LoopTune. It bounds the observation, and deeper nests were never faster."""

SPLIT_FACTORS = (2, 3, 4, 6, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Powers of two, and 3 and 6 for tiles of C that fill AVX2's registers: three rows by four vectors, or six by two."""


class Action(NamedTuple):
    refusal: Callable[[NestState], str]
    apply: Callable[[NestState], NestState]


def _cannot_move(state: NestState, by: int) -> str:
    if 0 <= state.cursor + by < len(state.loops):
        return ""
    return f"the cursor is on the {'outermost' if by < 0 else 'innermost'} loop"


def _move(state: NestState, by: int) -> NestState:
    return state.with_loops(list(state.loops), state.cursor + by)


def _cannot_swap(state: NestState, by: int) -> str:
    here, there = state.cursor, state.cursor + by
    if not 0 <= there < len(state.loops):
        return f"there is no loop {'outside' if by < 0 else 'inside'} the cursor's to exchange it with"
    if state.loops[here].var == state.loops[there].var:
        return f"both loops run over {state.loops[here].var}; exchanging them changes nothing"
    return ""


def _swap(state: NestState, by: int) -> NestState:
    loops, here, there = list(state.loops), state.cursor, state.cursor + by
    loops[here], loops[there] = loops[there], loops[here]
    return state.with_loops(loops, there)


def _cannot_split(state: NestState, factor: int) -> str:
    if len(state.loops) >= MAX_LOOPS:
        return f"the nest has {MAX_LOOPS} loops already"
    step, extent = state.loops[state.cursor].step, state.extent(state.cursor)
    if factor * step >= extent:
        return f"the loop has {-(-extent // step)} iterations, not more than {factor}"
    return ""


def _split(state: NestState, factor: int) -> NestState:
    """An outer loop around an inner one of `factor` iterations; the cursor stays outside, the annotation inside."""
    here = state.cursor
    inner = state.loops[here]
    outer = Loop(inner.var, inner.step * factor)
    return state.with_loops([*state.loops[:here], outer, *state.loops[here:]], here)


def _outer_partner(state: NestState) -> int | None:
    """The nearest loop around the cursor's over the same variable."""
    var = state.loops[state.cursor].var
    return next((index for index in reversed(range(state.cursor)) if state.loops[index].var == var), None)


def _cannot_merge(state: NestState) -> str:
    if _outer_partner(state) is None:
        return f"no loop around the cursor's runs over {state.loops[state.cursor].var}"
    return ""


def _merge(state: NestState) -> NestState:
    """Join the cursor's loop with the nearest one around it over the same variable, where that one stands."""
    partner = _outer_partner(state)
    assert partner is not None, "merge was applied where it is refused"
    loops = list(state.loops)
    loops[partner] = loops.pop(state.cursor)
    return state.with_loops(loops, min(state.cursor, len(loops) - 1))


def _cannot_vectorize(state: NestState) -> str:
    loop = state.loops[state.cursor]
    if loop.step > 1:
        return f"only the innermost loop over {loop.var} can be vectorized; this one moves by {loop.step}"
    return ""


def _toggle(state: NestState, annotation: str) -> NestState:
    loops = list(state.loops)
    loop = loops[state.cursor]
    loops[state.cursor] = loop._replace(annotation="" if loop.annotation == annotation else annotation)
    return state.with_loops(loops, state.cursor)


def _always(state: NestState) -> str:
    return ""


def _unchanged(state: NestState) -> NestState:
    return state


ACTIONS: Mapping[str, Action] = {
    "up": Action(partial(_cannot_move, by=-1), partial(_move, by=-1)),
    "down": Action(partial(_cannot_move, by=+1), partial(_move, by=+1)),
    "swap_up": Action(partial(_cannot_swap, by=-1), partial(_swap, by=-1)),
    "swap_down": Action(partial(_cannot_swap, by=+1), partial(_swap, by=+1)),
    **{
        f"split_{factor}": Action(partial(_cannot_split, factor=factor), partial(_split, factor=factor))
        for factor in SPLIT_FACTORS
    },
    "merge": Action(_cannot_merge, _merge),
    "unroll": Action(_always, partial(_toggle, annotation="unroll")),
    "vectorize": Action(_cannot_vectorize, partial(_toggle, annotation="vectorize")),
    STOP: Action(_always, _unchanged),
}

LOOPTUNE = ("up", "down", "swap_up", "swap_down", "split_4", "split_8", "split_16")
PRESETS: Mapping[str, tuple[str, ...]] = {
    "looptune": LOOPTUNE,
    "standard": (*LOOPTUNE, "split_32", STOP),
    "full": tuple(ACTIONS),
}


def choose_actions(wanted: str | Iterable[str]) -> tuple[str, ...]:
    """The action names of a preset, of a comma-separated text, or of a list. UserError names what is unknown."""
    if isinstance(wanted, str):
        if wanted in PRESETS:
            return PRESETS[wanted]
        wanted = [name.strip() for name in wanted.split(",")]
    names = tuple(choose(name, [*ACTIONS, *PRESETS], "action or preset") for name in wanted)
    if not names or len(set(names)) < len(names) or not set(names) <= set(ACTIONS):
        raise UserError(f"the actions {', '.join(names)!r} must be one preset, or actions named once each")
    return names
