"""How far from a table's optimum each method ends within ten evaluations, on bounds that the policy never saw.

python bench/network_scaling_regret.py [--table fashion_mnist] [--platform raspberrypi] [--minutes 5] [--run RUN...]

`tunewright train` on random bounds on latency and memory over a table of accuracies of trained networks; then
other random bounds, all methods with the same budget: the policy's best decisions, random walks, hill climbing,
one-step REINFORCE from a buffer (the rule of earlier work), and compound scaling. Regret is the accuracy of the best
network that keeps the bounds, less that of the best one found, in percentage points of the validation part. What is
random is repeated with several seeds. Last, the toy. Takes --minutes for each trainer and about one more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from report import Bar, report
from rich.console import Console
from rich.table import Table

from eval.budget import Budget
from eval.searches import Search, make_search
from eval.searches.reinforce import reinforce
from eval.searches.run import run_search
from launcher.scaling.search import TOY_STEPS, compound
from models.policy import Policy
from rllib_envs.generated_suite import write_suite
from rllib_envs.network_scaling.generate import random_bounds
from rllib_envs.network_scaling.problem import NetworkScaling
from rllib_envs.problem import Benchmark

EVALUATIONS = 10
STEPS = EVALUATIONS - 1
"""The start is evaluated, too."""
TRAINED_SEED, HELD_OUT_SEED = 0, 1
SMALLEST_REGRET = 0.01
"""Percentage points: smaller ones count as this when methods are divided by each other."""
TOY_BUDGET = Budget(seconds=60.0, evaluations=10_000)


def train(trainer: str, suite: Path, minutes: float, run: Path, options: list[str]) -> Policy:
    command = [sys.executable, "-m", "launcher.cli", "train", "--dataset", str(suite), "--minutes", str(minutes)]
    command += ["--trainer", trainer, "--steps", str(STEPS), "--eval-size", "0", "--wandb", "off", "--run", str(run)]
    printed = subprocess.run([*command, *options], stdout=subprocess.PIPE, text=True, check=True).stdout
    lines = [line for line in printed.splitlines() if line.startswith("iteration")]
    print(f"{trainer}: {lines[0]}\n{trainer}: {lines[-1]}", flush=True)
    return Policy.load(run)


def regrets(name: str, search: Search, problem: NetworkScaling, benchmarks: list[Benchmark], seeds: int) -> list[float]:
    """Of each benchmark, the mean over seeds."""
    found = []
    for benchmark in benchmarks:
        best = problem.baselines()["optimum"](benchmark).value
        budget = Budget(evaluations=min(EVALUATIONS, choices(problem, benchmark)))
        outcomes = (run_search(search, problem, benchmark, budget, seed=seed, stream=name) for seed in range(seeds))
        found.append(float(np.mean([best - outcome.claimed.value for outcome in outcomes])))
    return found


def choices(problem: NetworkScaling, benchmark: Benchmark) -> int:
    """How many networks keep the bounds: with all of them seen, a search is over."""
    task = problem.initial(benchmark).task
    places = [place for place in task.surface.grid.places() if task.fits(place)]
    return len({task.setting.architecture(task.surface.grid.scaling(place)) for place in places})


def toy_seconds() -> float:
    """Until hill climbing is at the optimum of the toy."""
    problem, toy = NetworkScaling(horizon=TOY_STEPS), Benchmark("toy", NetworkScaling.name, {"toy": True})
    outcome = run_search(make_search("hill_climbing"), problem, toy, TOY_BUDGET)
    best = [point for point in outcome.curve if point.value == 1.0]
    return best[0].seconds if best else float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="fashion_mnist", help="name of a shipped one, or its .json")
    parser.add_argument("--platform", default="raspberrypi")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--minutes", type=float, default=5.0, help="of training")
    parser.add_argument("--trainers", nargs="+", default=["ppo"], help="the first is held to the bars")
    parser.add_argument("--run", type=Path, nargs="+", help="runs or policies instead; the first is held to the bars")
    parser.add_argument("--train", type=int, default=400, help="bounds to learn from")
    parser.add_argument("--held-out", type=int, default=60, help="bounds to be judged by")
    parser.add_argument("--seeds", type=int, default=5, help="of each method that is random")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="of tunewright train")
    arguments = parser.parse_args()
    place = (arguments.table, arguments.platform, arguments.device)
    began = time.perf_counter()
    held_out = random_bounds(*place, arguments.held_out, HELD_OUT_SEED)
    policies: dict[str, Policy] = {}
    with tempfile.TemporaryDirectory() as folder:
        if arguments.run:
            policies |= {str(run): Policy.load(run) for run in arguments.run}
        else:
            write_suite(random_bounds(*place, arguments.train, TRAINED_SEED), Path(folder) / "bounds")
            for trainer in arguments.trainers:
                run = Path(folder) / trainer
                policies[trainer] = train(trainer, Path(folder) / "bounds", arguments.minutes, run, arguments.options)
    problem = NetworkScaling(horizon=STEPS)
    methods: dict[str, tuple[Search, int]] = {
        **{name: (make_search("policy", policy), 1) for name, policy in policies.items()},
        "random": (make_search("random"), arguments.seeds),
        "hill_climbing": (make_search("hill_climbing"), arguments.seeds),
        "reinforce": (reinforce, arguments.seeds),
        "compound": (compound, 1),
    }
    table = Table(title=f"regret in percentage points, {len(held_out)} held-out bounds", title_justify="left")
    for column in ("method", "mean", "median", "worst", "at the optimum"):
        table.add_column(column, justify="left" if column == "method" else "right")
    means = {}
    for name, (search, seeds) in methods.items():
        each = regrets(name, search, problem, held_out, seeds)
        means[name] = float(np.mean(each))
        shares = (f"{means[name]:.3f}", f"{np.median(each):.3f}", f"{max(each):.3f}")
        table.add_row(name, *shares, f"{100 * np.mean(np.array(each) < SMALLEST_REGRET):.0f} %")
    Console().print(table)
    print(f"{time.perf_counter() - began:.0f} s in all")
    judged = next(iter(policies))
    ratio = means["random"] / max(means[judged], SMALLEST_REGRET)
    report(
        "network_scaling_regret",
        {
            f"{judged}: mean regret": Bar(means[judged], 0.3, "percentage points", at_least=False),
            "random: mean regret, over the policy's": Bar(ratio, 3.0, "times"),
            "toy: until the optimum": Bar(toy_seconds(), 60.0, "s", at_least=False),
        },
    )


if __name__ == "__main__":
    main()
