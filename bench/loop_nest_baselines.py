"""All baselines on matrix products, beside the best schedule that beam search finds. Takes about six minutes.

python bench/loop_nest_baselines.py

Each runs in one thread on the same inputs and is timed by the same protocol. All take turns, and the best of ROUNDS
rounds counts for each: what disturbs a measurement makes it slower. MetaSchedule searches anew for each size.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import fmean

from helpers.random_walks import matmul
from helpers.schedule_beam import beam_search
from report import Bar, report

from eval.baselines import Baselines, known_baselines
from eval.baselines.limits import SECONDS, TRIALS, TuningLimits
from rllib_envs.loop_nest import LoopNest
from rllib_envs.problem import Evaluation

SIZES = (64, 128, 256)
WIDTH, LEVELS, SCREENED = 6, 4, 80
ROUNDS = 30
OURS = "beam search"


def measured(problem: LoopNest, size: int, folder: Path) -> dict[str, Evaluation]:
    """The best evaluation of each, by name."""
    benchmark = matmul(size, size, size)
    found = beam_search(problem, problem.initial(benchmark), width=WIDTH, levels=LEVELS, screened=SCREENED)
    chosen = Baselines(tuple(known_baselines(problem)), TuningLimits(folder=folder))(problem)
    sides: dict[str, Callable[[], Evaluation]] = {name: partial(one, benchmark) for name, one in chosen.items()}
    sides[OURS] = partial(problem.evaluate, found.state)
    best: dict[str, Evaluation] = {}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            now = side()
            best[name] = now if name not in best or now.better_than(best[name]) else best[name]
    return best


def line(size: int, name: str, one: Evaluation) -> str:
    """Speed, share of the peak, and what tuning took."""
    seconds, trials = one.details.get("tuning_seconds"), int(one.details.get("tuning_trials", 0))
    tuning = "-" if seconds is None else f"{seconds:.2f} s"
    searched = f"  {trials} trials" if trials else ""
    speed = f"{one.value:8.1f} GFLOPS {one.value / one.scale:6.1%}"
    return f"{size:4} {name:18}{speed} {tuning:>9}{searched}{one.error}"


def main() -> None:
    print(f"MetaSchedule: up to {TRIALS} trials and {SECONDS:g} s for each size")
    ratios: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        problem = LoopNest("full")
        for size in SIZES:
            best = measured(problem, size, Path(folder))
            for name, one in sorted(best.items(), key=lambda entry: -entry[1].value):
                print(line(size, name, one))
                ratios.setdefault(name, []).append(best[OURS].speedup_over(one) if one.verified else math.nan)
        problem.close()

    def over(name: str) -> float:
        return math.exp(fmean(map(math.log, ratios[name])))

    report(
        "loop_nest_baselines",
        {
            "our best schedule over TVM tiled by hand": Bar(over("tvm_tiled"), 1.0, "times as fast"),
            "our best schedule over MetaSchedule": Bar(over("tvm_metaschedule"), 1.0, "times as fast"),
            "TVM tiled by hand over its default": Bar(over("tvm") / over("tvm_tiled"), 5.0, "times as fast"),
        },
    )


if __name__ == "__main__":
    main()
