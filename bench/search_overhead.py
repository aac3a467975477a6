"""What each search costs besides measuring, on a 64x64x64 matrix product. Takes about four minutes.

python bench/search_overhead.py [--policy RUN] [--minutes 2]

A search runs several times over the same way: every evaluation is measured anew, but the search is told the value that
was measured first. Of each step, measuring or not, the fastest repeat counts, so that what disturbs this machine now
and then hits neither. The bars are shares of wall time. The processor time of this process and of the one that measures
is shown beside: it does not count how long the two wait for each other, and busy neighbours change it less.

The policy is trained here for `--minutes`, unless one is given: an untrained one mostly walks up and down, and measures
nothing.
"""

from __future__ import annotations

import argparse
import ctypes
import tempfile
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from helpers.random_walks import matmul
from helpers.training import trained
from report import Bar, report

from eval.budget import Budget
from eval.searches import POLICY_SEARCHES, SEARCHES, make_search
from eval.searches.run import run_search
from models.policy import Policy
from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.state import NestState
from rllib_envs.problem import Evaluation

SUITE = "mm64_256_16_range"
BENCHMARK = matmul(64, 64, 64)
BUDGET = Budget(evaluations=200)
"""As many as a second of measuring is good for at this size."""
REPEATS = 9
GOAL_PERCENT = 10


class Repeating(LoopNest):
    """Measures each time, and says what it said the first time. Notes when each measurement began and ended."""

    def __init__(self, **config: object) -> None:
        super().__init__(**config)  # type: ignore[arg-type]
        self.processor_time: Callable[[], float] = time.process_time
        self.moments: list[tuple[float, float]] = []
        self._known: dict[Hashable, Evaluation] = {}

    def evaluate(self, state: NestState) -> Evaluation:
        self.note()
        measured = super().evaluate(state)
        evaluation = self._known.setdefault(self.objective_key(state), measured)
        self.note()
        return evaluation

    def note(self) -> None:
        self.moments.append((time.perf_counter(), self.processor_time()))


def clock_with_child() -> Callable[[], float]:
    """Processor seconds of this process and of its only child."""
    (child,) = Path("/proc/thread-self/children").read_text().split()
    clock_id = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(int(child), ctypes.byref(clock_id)):
        raise OSError(f"process {child} has no clock")
    return lambda: time.process_time() + time.clock_gettime(clock_id.value)


class Overhead(NamedTuple):
    """What is not measuring."""

    wall_percent: float
    processor_percent: float
    microseconds: float
    """Of wall time, for each evaluation."""
    evaluations: int


def overhead(problem: Repeating, name: str, policy: Policy) -> Overhead:
    search, repeats = make_search(name, policy), []
    for _ in range(REPEATS + 1):
        problem.moments = []
        problem.note()
        outcome = run_search(search, problem, BENCHMARK, BUDGET, horizon=policy.horizon)
        problem.note()
        repeats.append(np.diff(problem.moments, axis=0))
    steps = np.min(repeats[1:], axis=0)  # the first run met new values
    besides, all_of_it = steps[::2].sum(axis=0), steps.sum(axis=0)
    wall, processor = (100 * besides / all_of_it).tolist()
    return Overhead(wall, processor, float(1e6 * besides[0] / outcome.evaluations), outcome.evaluations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", type=Path, help="policy folder or run directory")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training, where no policy is given")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.policy:
            policy = Policy.load(arguments.policy)
        else:
            policy = trained(SUITE, arguments.minutes, Path(folder) / "run")
    problem, bars = Repeating(**policy.problem_config), {}
    problem.evaluate(problem.initial(BENCHMARK))  # starts what measures
    problem.processor_time = clock_with_child()
    for name in (*SEARCHES, *POLICY_SEARCHES):
        found = overhead(problem, name, policy)
        print(
            f"{name}: {found.evaluations} evaluations, {found.microseconds:.0f} us besides each; "
            f"{found.wall_percent:.1f} % of wall time, {found.processor_percent:.1f} % of processor time",
            flush=True,
        )
        bars[name] = Bar(found.wall_percent, GOAL_PERCENT, "% of wall time", at_least=False)
    problem.close()
    report("search_overhead", bars)


if __name__ == "__main__":
    main()
