"""How good a policy's schedules are for applications that it never saw, and how long it takes for one.

python bench/stem_sharing_policy.py [--trainer ppo] [--minutes 20] [--tasks 10] [--run runs/<name>]

`tunewright train` on random tasks of 2 to 10 applications; then held-out ones of the same sizes. The excess is that of
the loss, 1 - F1, over the optimum that the exact solver proves. The policy's answer is the best of 16 episodes in
lockstep; its processor time has a bar. Takes --minutes and two more; with --run, which names a trained run, only the
latter.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from helpers.training import add_training_options, given_or_trained
from report import Bar, report
from rich.console import Console
from rich.table import Table

from eval.policy_schedule import EPISODES, schedule
from models.policy import Policy
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.exact import solve
from rllib_envs.stem_sharing.generate import random_suite
from rllib_envs.stem_sharing.greedy import greedy
from rllib_envs.stem_sharing.task import Task

SIZES = range(2, 11)
"""Applications."""
DATASET, SEED = "stem_sharing_random", 1
"""What is trained on has another seed."""


def compared(policy: Policy, tasks: list[Task]) -> dict[str, Bar]:
    excess: dict[str, list[float]] = {"greedy scheduler": [], "policy, greedily": [], f"policy, best of {EPISODES}": []}
    milliseconds, within = [], 0
    for task in tasks:
        best = solve(task)
        began = time.process_time()
        sampled = schedule(policy, task)
        milliseconds.append(1e3 * (time.process_time() - began))
        within += task.affords(task.cost(sampled))
        for name, found in zip(excess, (greedy(task), schedule(policy, task, episodes=1), sampled), strict=True):
            excess[name].append(100 * (task.loss(found) / task.loss(best.schedule) - 1))
    table = Table(title=f"percent above the least loss, {len(tasks)} held-out tasks", title_justify="left")
    for column in ("scheduler", "mean", "worst"):
        table.add_column(column, justify="left" if column == "scheduler" else "right")
    for name, each in excess.items():
        table.add_row(name, f"{np.mean(each):.2f}", f"{max(each):.1f}")
    Console().print(table)
    print(f"a schedule takes {np.median(milliseconds):.0f} ms at the median, {max(milliseconds):.0f} ms at most")
    return {
        f"mean excess, best of {EPISODES}": Bar(float(np.mean(excess[f"policy, best of {EPISODES}"])), 1.5, "%", False),
        "within the budget": Bar(100 * within / len(tasks), 100, "% of tasks"),
        "a schedule": Bar(float(np.median(milliseconds)), 50, "ms of the processor", at_least=False),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainer", default="ppo")
    parser.add_argument("--tasks", type=int, default=10, help="held-out ones of each size")
    add_training_options(parser, minutes=20)
    arguments = parser.parse_args()
    options = ["--trainer", arguments.trainer, "--test-share", "0"]
    policy = given_or_trained(arguments, DATASET, options)
    held_out = random_suite(SIZES, arguments.tasks, SEED, EventLength.CORRECTED)
    report("stem_sharing_policy", compared(policy, [Task.from_benchmark(benchmark) for benchmark in held_out]))


if __name__ == "__main__":
    main()
