"""Beam search over schedules: the children of a schedule are what any action makes of it at any of its loops.

An agent has to walk to a loop before it can act on it. A benchmark of the code generator asks how fast the best
schedule is, not how short the way to it, so here the cursor is wherever it is needed.
"""

from __future__ import annotations

import time
from heapq import nlargest
from itertools import permutations
from statistics import median
from typing import NamedTuple

from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.actions import ACTIONS, SPLIT_FACTORS
from rllib_envs.loop_nest.state import NestState

REARRANGING = ("swap_down", *(f"split_{factor}" for factor in SPLIT_FACTORS), "merge")

SPLITS = 3
"""Splits of a schedule here. More of them mostly give the same code again."""
FINALISTS, ROUNDS = 8, 5
"""The fastest of all are measured anew in turns, and the middle value decides: one lucky value must not."""
HOPELESS = 0.25
"""Of the level's best prediction: what is slower is not measured, since measuring it takes longest of all."""


class Found(NamedTuple):
    """The best that a search has found."""

    state: NestState
    gflops: float
    evaluations: int


def beam_search(
    problem: LoopNest, start: NestState, *, width: int, levels: int, screened: int, seconds: float
) -> Found:
    """Keep the `width` fastest children of each level, beginning with the orders of the untuned loops.

    Of each level's children, only the `screened` ones that the cost model likes best are measured, and of those for
    which it predicts the same, one: they are mostly the same code. It ends after so many levels or seconds.
    """
    until = time.perf_counter() + seconds
    measured = [(problem.evaluate(start).value, start)]
    seen = {start.loops}
    orders = [start.with_loops(list(order), 0) for order in permutations(start.loops)]
    kept = sorted(orders, key=problem.predict, reverse=True)[:width]
    for _ in range(levels):
        fresh = {child.loops: child for state in kept for child in children(state) if child.loops not in seen}
        seen.update(fresh)
        predicted = {round(problem.predict(child), 3): child for child in fresh.values()}
        worth_it = HOPELESS * max(predicted, default=0.0)
        likely = [predicted[gflops] for gflops in sorted(predicted, reverse=True)[:screened] if gflops > worth_it]
        level = []
        for child in likely:
            if time.perf_counter() > until:
                return _final(problem, measured)
            level.append((problem.evaluate(child).value, child))
            measured.append(level[-1])
        kept = _fastest(level, width)
    return _final(problem, measured)


def _fastest(measured: list[tuple[float, NestState]], count: int) -> list[NestState]:
    return [state for _, state in nlargest(count, measured, key=lambda candidate: candidate[0])]


def _final(problem: LoopNest, measured: list[tuple[float, NestState]]) -> Found:
    finalists = _fastest(measured, FINALISTS)
    rounds = [[problem.evaluate(state).value for state in finalists] for _ in range(ROUNDS)]
    values = [median(of_one) for of_one in zip(*rounds, strict=True)]
    best = max(range(len(finalists)), key=values.__getitem__)
    return Found(finalists[best], values[best], len(measured))


def children(state: NestState) -> list[NestState]:
    """What the rearranging actions make of the schedule, at each of its loops."""
    reached = []
    may_split = len(state.loops) < len(state.statement.sizes) + SPLITS
    for cursor in range(len(state.loops)):
        here = state.with_loops(list(state.loops), cursor)
        for name in REARRANGING:
            action = ACTIONS[name]
            if not action.refusal(here) and (may_split or "split" not in name):
                reached.append(action.apply(here))
    return reached
