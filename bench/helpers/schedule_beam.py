"""Beam search over schedules: the children of a schedule are what a few actions in a row make of any of its loops.

An agent has to walk to a loop before it can act on it, and to move it one place at a time. A benchmark of the code
generator asks how fast the best schedule is, not how short the way to it. So here the cursor is wherever it is needed,
and a loop goes to any place in one step, as do the two that a split makes of it.
"""

from __future__ import annotations

from heapq import nlargest
from itertools import permutations
from math import log
from typing import NamedTuple

from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.actions import ACTIONS, SPLIT_FACTORS
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.state import NestState

SPLITTING = tuple(f"split_{factor}" for factor in SPLIT_FACTORS)
SPLITS = 5
"""Splits of a schedule here: two blockings in caches, a tile of C in registers, and an unrolled reduction."""
PREDICTED_WIDTH, PREDICTED_LEVELS = 12, 7
"""The beam that only the cost model judges. Its schedules are those that the measured one begins with."""
ALIKE = 0.02
"""Of schedules whose predictions are as close as this, that beam keeps one, so that it is not full of a single idea."""
FINALISTS, ROUNDS = 32, 5
"""The fastest of all are measured anew in turns, and the slower half leaves after so many rounds, until one is left.
The best value of each decides: what disturbs a measurement makes it slower."""
HOPELESS = 0.25
"""Of the level's best prediction: what is slower is not measured, since measuring it takes longest of all."""


class Found(NamedTuple):
    """The best that a search has found."""

    state: NestState
    gflops: float
    evaluations: int


def beam_search(problem: LoopNest, start: NestState, *, width: int, levels: int, screened: int) -> Found:
    """Two beams, one after the other: the first predicts, which takes no time, the second measures.

    The second begins with what the first has found and keeps the `width` fastest of each level. Of each level's
    schedules, only the `screened` ones that the cost model likes best are measured, and of those for which it predicts
    the same, one: they are mostly the same code. Nothing depends on the time that it takes, so that a busy machine does
    not find less.
    """
    measured = [(problem.evaluate(start).value, start)]
    fresh = predicted_beam(problem, start)
    seen = {start.loops, *fresh}
    for _ in range(levels):
        predicted = {round(problem.predict(state), 3): state for state in fresh.values()}
        worth_it = HOPELESS * max(predicted, default=0.0)
        likely = [predicted[gflops] for gflops in nlargest(screened, predicted) if gflops > worth_it]
        level = [(problem.evaluate(state).value, state) for state in likely]
        measured += level
        kept = _fastest(level, width)
        fresh = {child.loops: child for state in kept for child in children(state) if child.loops not in seen}
        seen.update(fresh)
    return _final(problem, measured)


def predicted_beam(problem: LoopNest, start: NestState) -> dict[Schedule, NestState]:
    """All schedules met by a beam search that nothing is measured in, beginning with the orders of the loops."""
    fresh = {order: start.with_loops(list(order), 0) for order in permutations(start.loops)}
    met = dict(fresh)
    for _ in range(PREDICTED_LEVELS):
        predicted = {round(log(problem.predict(state)) / ALIKE): state for state in fresh.values()}
        kept = [predicted[speed] for speed in nlargest(PREDICTED_WIDTH, predicted)]
        fresh = {child.loops: child for state in kept for child in children(state) if child.loops not in met}
        met.update(fresh)
    return met


def _fastest(measured: list[tuple[float, NestState]], count: int) -> list[NestState]:
    return [state for _, state in nlargest(count, measured, key=lambda candidate: candidate[0])]


def _final(problem: LoopNest, measured: list[tuple[float, NestState]]) -> Found:
    best = {state: value for value, state in sorted(measured, key=lambda candidate: candidate[0])[-FINALISTS:]}
    while len(best) > 1:
        for _ in range(ROUNDS):
            best = {state: max(value, problem.evaluate(state).value) for state, value in best.items()}
        best = dict(nlargest(len(best) // 2, best.items(), key=lambda candidate: candidate[1]))
    ((state, value),) = best.items()
    return Found(state, value, len(measured))


def children(state: NestState) -> list[NestState]:
    """Each loop moved, merged, or split with its outer part moved outwards or its inner part inwards."""
    reached = []
    may_split = len(state.loops) < len(state.statement.sizes) + SPLITS
    for cursor in range(len(state.loops)):
        here = state.with_loops(list(state.loops), cursor)
        reached += [*_moved(here, "swap_up"), *_moved(here, "swap_down")]
        for name in ("merge", *SPLITTING) if may_split else ("merge",):
            if not ACTIONS[name].refusal(here):
                child = ACTIONS[name].apply(here)
                reached.append(child)
                if name != "merge":
                    inner = ACTIONS["down"].apply(child)
                    reached += [*_moved(child, "swap_up"), *_moved(inner, "swap_down")]
    return reached


def _moved(state: NestState, swap: str) -> list[NestState]:
    """The cursor's loop one, two and more places away, as far as it can go."""
    reached = []
    while not ACTIONS[swap].refusal(state):
        state = ACTIONS[swap].apply(state)
        reached.append(state)
    return reached
