"""How good one policy's mappings are on graphs that it never saw, after half an hour of training on two cores.

python bench/streaming_policy.py [--minutes 30] [--graphs 6] [--run runs/<name>]

`tunewright train` on random graphs of 10 to 20 nodes, for 16 tiles and for 64; then, without any further learning,
held-out graphs of these sizes, and of 40 nodes on 64 tiles. Gaps are to the best mapping known: the shortest that
anything here found, annealing for --reference seconds among it. Greedy is one episode of the policy's best decisions as
every tool plays it, which hands out the best state on the way. Annealing alone and after the policy have the same time.
Takes --minutes and about 10 more; with --run, which names a trained run, about 8.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from helpers.training import add_training_options, given_or_trained
from report import Bar, report
from rich.console import Console
from rich.table import Table

from eval.budget import Budget
from eval.policy_mapping import problem_for, solve
from eval.searches import make_search
from eval.searches.run import run_search
from models.policy import Policy
from rllib_envs.streaming_engine import annealing, list_scheduling
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.generate import random_suite
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite

KINDS = ("layered", "gn")
SMALL = [10, 15, 20]
LARGE_DEVICE, LARGE = Device(1, 64, 6), [40]
DATASET, SEED = "streaming_engine_random", 1
"""What is trained on has another seed."""
SAMPLES = 256
EQUAL_SECONDS = 2.0
"""For annealing alone, and for the policy and annealing together."""
SHIPPED_SECONDS = 20.0
LIMIT = 60.0
"""Seconds for what is not limited by time: an episode of 40 nodes takes a fraction of one."""


@dataclass(frozen=True)
class Answers:
    """Cycles on one graph; infinite where nothing was found."""

    list_scheduling: float
    noisy_lists: float
    """The best of as many noisy list schedules as the policy samples, which is how an untrained one decides."""
    greedy: float
    sampled: float
    annealed: float
    polished: float
    best: float

    def gap(self, name: str) -> float:
        """Percent above the best known."""
        return float(100 * (getattr(self, name) / self.best - 1))


def answers(policy: Policy, task: Task, seed: int, reference: float) -> Answers:
    problem, benchmark = problem_for(policy, task), task.to_benchmark("task")
    played = run_search(
        make_search("policy", policy), problem, benchmark, Budget(seconds=LIMIT), horizon=policy.horizon
    )
    rng = np.random.default_rng(seed)
    listed = list_scheduling.solve(task, LIMIT, rng, mappings=SAMPLES)
    sampled = solve(policy, task, LIMIT, rng, episodes=SAMPLES)
    annealed = annealing.solve(task, EQUAL_SECONDS, np.random.default_rng(seed))
    polished = solve(policy, task, EQUAL_SECONDS, np.random.default_rng(seed), polish=True)
    longer = annealing.solve(task, reference, rng, start=polished.mapping)
    found = [
        played.start.value if played.start.verified else np.inf,
        np.inf if listed.makespan is None else listed.makespan,
        played.claimed.value if played.claimed.verified else np.inf,
        *(np.inf if one.makespan is None else one.makespan for one in (sampled, annealed, polished, longer)),
    ]
    return Answers(*map(float, found[:-1]), best=float(min(found)))


def shipped(policy: Policy, table: Table) -> dict[str, Bar]:
    """The best mappings that the policy samples of our own graphs, and CP-SAT's optima."""
    from rllib_envs.streaming_engine import exact

    bars = {}
    for benchmark in Suite.load("streaming_engine").benchmarks:
        task = Task.from_benchmark(benchmark)
        began = time.process_time()
        sampled = solve(policy, task, SHIPPED_SECONDS / 2, np.random.default_rng(0))
        used = time.process_time() - began
        optimum = exact.solve(task, LIMIT, np.random.default_rng(0), start=sampled.mapping)
        gap = np.inf if sampled.makespan is None or not optimum.makespan else sampled.makespan / optimum.makespan - 1
        proof = "optimal" if optimum.proven else f"bound {optimum.lower_bound}"
        table.add_row(benchmark.name, str(sampled.makespan), f"{optimum.makespan} ({proof})", f"{used:.1f}")
        bars[f"{benchmark.name}: best sampled"] = Bar(100 * gap, 0, "% above the optimum", at_least=False)
    return bars


def compared(
    policy: Policy, name: str, tasks: list[Task], reference: float, goals: tuple[float, float]
) -> dict[str, Bar]:
    found = [answers(policy, task, seed, reference) for seed, task in enumerate(tasks)]
    table = Table(title=f"{name}: percent above the best known", title_justify="left")
    for column in ("method", "mean", "worst"):
        table.add_column(column, justify="left" if column == "method" else "right")
    gaps = {}
    for method in ("list_scheduling", "noisy_lists", "greedy", "sampled", "annealed", "polished"):
        each = [one.gap(method) for one in found]
        gaps[method] = float(np.mean(each))
        table.add_row(method, f"{gaps[method]:.1f}", f"{max(each):.1f}")
    Console().print(table)
    worse = gaps["polished"] - gaps["annealed"]
    return {
        f"{name}: greedy": Bar(gaps["greedy"], goals[0], "%", at_least=False),
        f"{name}: best of {SAMPLES}": Bar(gaps["sampled"], goals[1], "%", at_least=False),
        f"{name}: with annealing, over annealing alone": Bar(worse, 0, "% more", at_least=False),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=6, help="held-out graphs of each size and kind")
    parser.add_argument("--reference", type=float, default=4.0, help="seconds of annealing for the best known")
    add_training_options(parser, minutes=30)
    arguments = parser.parse_args()
    policy = given_or_trained(arguments, DATASET, ["--trainer", "self_improvement", "--encoder-width", "64"])
    bars: dict[str, Bar] = {}
    for name, sizes, device, goals in (
        ("10 to 20 nodes", SMALL, Device(), (10.0, 4.0)),
        ("40 nodes, 64 tiles", LARGE, LARGE_DEVICE, (15.0, 8.0)),
    ):
        tasks = [
            Task.from_benchmark(benchmark)
            for kind in KINDS
            for benchmark in random_suite(kind, sizes, arguments.graphs, device, seed=SEED)
        ]
        bars |= compared(policy, name, tasks, arguments.reference, goals)
    table = Table(title="shipped graphs", title_justify="left")
    for column in ("graph", "best sampled", "optimum", "CPU seconds"):
        table.add_column(column)
    bars |= shipped(policy, table)
    Console().print(table)
    report("streaming_policy", bars)


if __name__ == "__main__":
    main()
