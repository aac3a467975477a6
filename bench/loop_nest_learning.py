"""What each trainer makes of the same time: held-out speed-up after training on matrix products.

python bench/loop_nest_learning.py [--minutes 20] [--size 25] [--runs FOLDER]

`tunewright train` with two runner processes, for each trainer in turn and each from nothing. Then all policies decide
once on the same benchmarks that none of them saw, and their answers are measured anew together, in turns. The bar is
Ape-X's geometric mean over LoopTune's untuned nest, divided by the best of the others'. Takes four times --minutes,
and one more. `--runs` keeps the runs, and trainings that are complete there are not repeated.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from helpers.training import trained
from report import Bar, report

from eval.budget import Budget
from eval.scoring import Runs, score
from eval.searches import make_search
from eval.searches.run import run_search
from eval.statistics import Interval, by_benchmark, geomean_interval
from models.policy import Policy
from rllib_envs.suite import Suite

SUITE = "mm64_256_16_range"
OURS, OTHERS = "apex_dqn", ("dqn", "ppo", "appo")
SECONDS = 10.0
"""For an episode of ten decisions; it takes a hundredth of that."""


def train(trainer: str, minutes: float, folder: Path) -> Policy:
    run = folder / trainer
    if (run / "policy").exists():
        return Policy.load(run)
    print(f"{trainer}:", flush=True)
    return trained(SUITE, minutes, run, ["--trainer", trainer])


def compared(policies: Mapping[str, Policy], size: int) -> dict[str, dict[str, float]]:
    """Of each policy and of numpy, the speed-up over the untuned nest by held-out benchmark."""
    first = policies[OURS]
    problem = first.make_problem()
    suite = Suite.select({**first.provenance["env"], "split": "test"}).sample(size)
    rows = []
    for benchmark in suite.benchmarks:
        runs: Runs = {
            (name, 0): run_search(
                make_search("policy", policy), problem, benchmark, Budget(seconds=SECONDS), horizon=policy.horizon
            )
            for name, policy in policies.items()
        }
        rows += score(problem, benchmark, runs, problem.baselines()).rows
    problem.close()
    names = dict.fromkeys(row.method for row in rows)
    return {name: by_benchmark(row for row in rows if row.method == name) for name in names}


def paired(ours: Mapping[str, float], others: Mapping[str, float]) -> tuple[Interval, int]:
    """Of the ratios by benchmark: their geometric mean, and how many are above 1."""
    ratios = [ours[name] / others[name] for name in ours]
    return geomean_interval(ratios), sum(ratio > 1 for ratio in ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="of training, for each trainer")
    parser.add_argument("--size", type=int, default=25, help="held-out benchmarks")
    parser.add_argument("--runs", help="keep the runs in this folder")
    arguments = parser.parse_args()
    with nullcontext(arguments.runs) if arguments.runs else tempfile.TemporaryDirectory() as folder:
        policies = {name: train(name, arguments.minutes, Path(folder)) for name in (OURS, *OTHERS)}
    reached = compared(policies, arguments.size)
    for name, speedups in reached.items():
        mean, low, high, _ = geomean_interval(speedups.values())
        print(f"{name}: {mean:.3f}x over the untuned nest ({low:.3f} to {high:.3f})")
    over = {name: paired(reached[OURS], reached[name]) for name in OTHERS}
    for name, ((mean, low, high, count), better) in over.items():
        print(f"Ape-X / {name}: {mean:.3f}x ({low:.3f} to {high:.3f}), more on {better} of {count} benchmarks")
    least = min(interval.mean for interval, _ in over.values())
    report("loop_nest_learning", {f"Ape-X / the best of {', '.join(OTHERS)}": Bar(least, 1, "x")})


if __name__ == "__main__":
    main()
