"""The best matrix-product schedules that beam search finds, against numpy and the peak. Takes about two minutes.

python bench/loop_nest_speed.py

numpy's `matmul(out=)` runs in one thread and is timed by the same protocol. Both take turns at all sizes, and the best
of ROUNDS rounds counts for each: what disturbs a measurement makes it slower. The peak is what the measuring process
finds for multiply-adds alone.
"""

from __future__ import annotations

import math
from statistics import fmean

from helpers.random_walks import matmul
from helpers.schedule_beam import beam_search
from report import Bar, report

from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.notation import schedule_text
from rllib_envs.loop_nest.state import NestState

AGAINST_NUMPY = (64, 96, 128, 160, 192, 224, 256)
AGAINST_PEAK = {64: 0.95, 100: 0.80, 128: 0.95, 192: 0.95, 256: 0.95, 512: 0.85}
WIDTH, LEVELS, SCREENED = 6, 4, 80
ROUNDS = 100


def best_schedule(problem: LoopNest, size: int) -> NestState:
    start = problem.initial(matmul(size, size, size))
    found = beam_search(problem, start, width=WIDTH, levels=LEVELS, screened=SCREENED)
    return found.state


def fractions(problem: LoopNest, schedules: dict[int, NestState]) -> dict[int, tuple[float, float]]:
    """Fractions of peak that the schedules and numpy reach."""
    numpy = problem.baselines()["numpy"]
    reached = dict.fromkeys(schedules, (0.0, 0.0))
    for _ in range(ROUNDS):
        for size, state in schedules.items():
            pair = problem.evaluate(state), numpy(matmul(size, size, size))
            now = (side.details["fraction_of_peak"] if side.verified else 0.0 for side in pair)
            reached[size] = tuple(map(max, reached[size], now))
    return reached


def main() -> None:
    problem = LoopNest("full")
    schedules = {size: best_schedule(problem, size) for size in sorted({*AGAINST_NUMPY, *AGAINST_PEAK})}
    reached = fractions(problem, schedules)
    problem.close()
    for size, (ours, theirs) in reached.items():
        print(f"{size:4}: {ours:.3f} of peak, numpy {theirs:.3f}; {schedule_text(schedules[size].loops)}")
    ratio = math.exp(fmean(math.log(reached[size][0] / reached[size][1]) for size in AGAINST_NUMPY))
    sizes = ", ".join(map(str, AGAINST_NUMPY))
    report(
        "loop_nest_speed",
        {
            f"against numpy, geometric mean of {sizes}": Bar(ratio, 1.15, "times as fast"),
            **{f"at {size}": Bar(reached[size][0], goal, "of peak") for size, goal in AGAINST_PEAK.items()},
        },
    )


if __name__ == "__main__":
    main()
