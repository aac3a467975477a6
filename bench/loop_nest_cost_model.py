"""How well the cost model ranks schedules that nothing was measured of. Takes about a minute.

python bench/loop_nest_cost_model.py

Each schedule is measured in ROUNDS rounds, and the best value counts: what else runs on a machine can only make a
schedule slower. On a shared machine, two rounds may order schedules as differently as model and measurement do.
"""

from __future__ import annotations

import time

import numpy as np
from helpers.random_walks import random_schedule
from report import Bar, report

from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.cost_model import CostModel

SCHEDULES, ROUNDS = 3000, 2
KEPT, TOP = 0.30, 0.05


def ranks(values: np.ndarray) -> np.ndarray:
    """1-based ranks, equal values sharing the mean of theirs."""
    _, group, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return (last - (count - 1) / 2)[group]


def recall(predicted: np.ndarray, measured: np.ndarray) -> float:
    """Share of the measured best TOP that is among the predicted best KEPT."""
    kept = np.argsort(-predicted, kind="stable")[: int(np.ceil(KEPT * len(predicted)))]
    top = np.argsort(-measured, kind="stable")[: int(np.ceil(TOP * len(measured)))]
    return float(np.isin(top, kept).mean())


def main() -> None:
    rng = np.random.default_rng(0)
    model = CostModel()
    problem = LoopNest()
    states = {}
    while len(states) < SCHEDULES:
        state = random_schedule(problem, rng)
        states[problem.objective_key(state)] = state
    predicted, seconds = [], []
    for state in states.values():
        began = time.thread_time()
        predicted.append(model.fraction_of_peak(state.statement, state.loops))
        seconds.append(time.thread_time() - began)
    rounds = [[problem.evaluate(state) for state in states.values()] for _ in range(ROUNDS)]
    problem.close()
    counts = [all(evaluation.verified for evaluation in of_one) for of_one in zip(*rounds, strict=True)]
    guess = np.array(predicted)[counts]
    measured = np.array([[evaluation.details["fraction_of_peak"] for evaluation in each] for each in rounds])
    truth = measured.max(axis=0)[counts]
    report(
        "loop_nest_cost_model",
        {
            "rank correlation (Spearman)": Bar(float(np.corrcoef(ranks(guess), ranks(truth))[0, 1]), 0.7, ""),
            f"best {TOP:.0%} among the predicted best {KEPT:.0%}": Bar(recall(guess, truth), 0.95, "of them"),
            "one prediction, median": Bar(float(np.median(seconds)) * 1e6, 150, "µs", at_least=False),
        },
    )


if __name__ == "__main__":
    main()
