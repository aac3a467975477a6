"""The best matrix-product schedules that beam search finds, against numpy and the peak. Takes about two minutes.

python bench/loop_nest_speed.py

numpy's `matmul(out=)` runs in one thread and is timed by the same protocol. A ratio is that of the medians of ROUNDS
rounds in which the two take turns; the peak is what the measuring process finds for multiply-adds alone.
"""

from __future__ import annotations

import math
from statistics import fmean, median

from helpers.random_walks import matmul
from helpers.schedule_beam import beam_search
from report import Bar, report

from rllib_envs.loop_nest import LoopNest

AGAINST_NUMPY = (64, 96, 128, 160, 192, 224, 256)
AGAINST_PEAK = {64: 0.95, 100: 0.80, 128: 0.95, 192: 0.95, 256: 0.95, 512: 0.85}
WIDTH, LEVELS, SCREENED = 6, 4, 80
ROUNDS = 7


def fractions(problem: LoopNest, size: int) -> tuple[float, float]:
    """Fractions of peak that the best schedule found and numpy reach."""
    benchmark = matmul(size, size, size)
    start = problem.initial(benchmark)
    found = beam_search(problem, start, width=WIDTH, levels=LEVELS, screened=SCREENED)
    numpy = problem.baselines()["numpy"]
    rounds = [(problem.evaluate(found.state), numpy(benchmark)) for _ in range(ROUNDS)]
    ours, theirs = (
        median(pair[side].details["fraction_of_peak"] for pair in rounds if pair[side].verified) for side in (0, 1)
    )
    loops = " ".join(f"{loop.var}{loop.step}" for loop in found.state.loops)
    print(
        f"{size:4}: {ours:.3f} of peak, numpy {theirs:.3f}; {loops} after {found.evaluations} evaluations", flush=True
    )
    return ours, theirs


def main() -> None:
    problem = LoopNest("full")
    reached = {size: fractions(problem, size) for size in sorted({*AGAINST_NUMPY, *AGAINST_PEAK})}
    problem.close()
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
