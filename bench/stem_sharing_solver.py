"""How long the best schedule takes to be found and proven, and how much less simpler schedulers do. Two minutes.

python bench/stem_sharing_solver.py [--tasks 5]

Random tasks, 15 rates, 16 freeze points for each application, both ways to count an event's length. Times are of the
processor. The greedy schedulers' excess is that of their mean loss, 1 - F1, over the optimum's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from report import Bar, report

from rllib_envs.stem_sharing.application import Application
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.exact import solve
from rllib_envs.stem_sharing.generate import STREAM_RATE, random_application, random_network
from rllib_envs.stem_sharing.greedy import greedy, published
from rllib_envs.stem_sharing.quality import Quality, losses
from rllib_envs.stem_sharing.task import Task

FREEZE_POINTS = 16
SIZES = (2, 5, 10, 20, 30)
LIMITS_S = {10: 5.0, 30: 20.0}
Result = TypeVar("Result")


def timed(run: Callable[[], Result]) -> tuple[Result, float]:
    began = time.process_time()
    result = run()
    return result, time.process_time() - began


def task(size: int, length: EventLength, rng: np.random.Generator) -> Task:
    """With a budget for one to four whole networks at full rate."""
    network, _ = random_network(rng)
    points = (0, *sorted(rng.choice(np.arange(1, network.layers), FREEZE_POINTS - 1, replace=False).tolist()))
    apps = tuple(random_application(rng, f"app_{index}", points, network.layers) for index in range(size))
    budget = network.total * STREAM_RATE * float(rng.uniform(0.2, 1.2))
    return Task(apps, network, budget, STREAM_RATE, Quality(event_length=length))


def voting_seconds(apps: tuple[Application, ...]) -> float:
    """To tabulate ten applications with votes of three frames."""
    voted = [replace(app, votes=3) for app in apps]
    rates = tuple(float(rate) for rate in range(1, STREAM_RATE + 1))
    quality = Quality("f1-x")
    return timed(lambda: [losses(app, quality, rates, float(STREAM_RATE)) for app in voted])[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=5, help="of each size and length of events")
    arguments = parser.parse_args()
    bars: dict[str, Bar] = {}
    for size in SIZES:
        seconds, proven, excess = [], 0, {"greedy": list[float](), "published greedy": list[float]()}
        for index in range(arguments.tasks):
            for length in EventLength:
                rng = np.random.default_rng([size, index])
                asked = task(size, length, rng)
                solved, took = timed(lambda asked=asked: solve(asked, seconds=600.0))  # type: ignore[misc]
                seconds.append(took)
                proven += solved.proven
                excess["greedy"].append(asked.loss(greedy(asked)) / solved.loss - 1)
                excess["published greedy"].append(asked.loss(greedy(asked, published)) / solved.loss - 1)
        over = ", ".join(f"{name} {100 * statistics.mean(found):.1f} %" for name, found in excess.items())
        count = len(seconds)
        took_most = f"{proven} of {count} proven in {max(seconds):.2f} s at most"
        print(f"{size} applications: {took_most}; excess: {over}", flush=True)
        bars[f"{size} applications, proven"] = Bar(proven, count, f"of {count}")
        if size in LIMITS_S:
            bars[f"{size} applications, longest"] = Bar(max(seconds), LIMITS_S[size], "s", at_least=False)
    ten = task(10, EventLength.CORRECTED, np.random.default_rng(0)).applications
    bars["X-voting, 10 applications"] = Bar(voting_seconds(ten), 1.0, "s", at_least=False)
    report("stem_sharing_solver", bars)


if __name__ == "__main__":
    main()
