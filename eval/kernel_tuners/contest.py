"""Every tuner on every kernel with every seed, and the results as lines of JSON from which all else is made."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eval.kernel_tuners.methods import Lesson, Method, train_on
from eval.kernel_tuners.trials import Kernel, Run, Trials, run_tuner
from models.ga_dqn.tuner import Knowledge
from rllib_envs.errors import UserError

RESULTS = "results.jsonl"
"""The usual name of the file with a contest's results."""


@dataclass(frozen=True)
class Result:
    """One run of a contest."""

    kernel: str
    method: str
    seed: int
    run: Run

    def to_line(self) -> str:
        """One line of JSON."""
        run = {**vars(self.run), "best": [float(f"{speed:.6g}") for speed in self.run.best]}
        return json.dumps({"kernel": self.kernel, "method": self.method, "seed": self.seed, **run})

    @classmethod
    def from_line(cls, line: str) -> Result:
        """What `to_line` wrote. ValueError, KeyError or TypeError for anything else."""
        run = json.loads(line)
        kernel, method, seed, best = (run.pop(name) for name in ("kernel", "method", "seed", "best"))
        return cls(kernel, method, seed, Run(best=np.array(best, float), **run))


def contest(
    kernels: Sequence[Kernel],
    methods: Mapping[str, Method],
    seeds: Sequence[int],
    trials: Trials,
    workers: int = 1,
    teachers: Sequence[Kernel] | None = None,
) -> Iterator[Result]:
    """All runs, kernel by kernel. Tuners with the same seed begin with the same random genes.

    A method that is trained before is trained for each kernel anew, on the `teachers`: all the others, if not given.
    `workers` are processes; more than one only for landscapes, since kernels that are measured at the same time disturb
    each other.
    """
    if teachers is None and any(method.trained for method in methods.values()) and len(kernels) < 2:
        raise UserError("a tuner that is trained on the other kernels needs at least 2 of them; add a kernel")
    jobs = [
        (name, method, kernel, [other for other in teachers or kernels if other.name != kernel.name], seeds, trials)
        for kernel in kernels
        for name, method in methods.items()
    ]
    with _pool(workers) as pool:
        for results in map(_runs, jobs) if pool is None else pool.map(_runs, jobs):
            yield from results


def write_results(path: Path, results: Iterable[Result]) -> list[Result]:
    """Append each as it comes, and return all."""
    written = []
    with path.open("a") as file:
        for result in results:
            file.write(result.to_line() + "\n")
            file.flush()
            written.append(result)
    return written


def _runs(job: tuple[str, Method, Kernel, list[Kernel], Sequence[int], Trials]) -> list[Result]:
    name, method, kernel, others, seeds, trials = job
    knowledge: Knowledge | None = None
    if method.trained:
        knowledge = train_on(others, method.settings, Lesson(batch=trials.batch))
    results = []
    for seed in seeds:
        tuner = method.make(kernel.space, seed, trials.count, knowledge)
        results.append(Result(kernel.name, name, seed, run_tuner(tuner, kernel, trials, seed).run()))
    return results


@contextmanager
def _pool(workers: int) -> Iterator[Executor | None]:
    if workers == 1:
        yield None
        return
    # PyTorch's threads don't survive a fork.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool
