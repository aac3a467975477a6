"""A solver of mapping tasks as a baseline, on the seconds that a search has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eval.baselines.limits import TuningLimits
from rllib_envs.errors import MissingPackage
from rllib_envs.problem import Benchmark, Evaluation
from rllib_envs.streaming_engine.solved import Solved
from rllib_envs.streaming_engine.solvers import SOLVERS
from rllib_envs.streaming_engine.task import Task

NAMES: Mapping[str, str] = {"annealing_solver": "annealing", "cp_sat": "cp_sat", "cma_es_solver": "cma_es"}
"""Baselines, and which of `SOLVERS` each is. Searches of any problem have the plain names already."""


class SolverBaseline:
    """Solves each benchmark once; mappings don't vary with the machine's mood, so asking again gives the same."""

    def __init__(self, name: str, limits: TuningLimits) -> None:
        self.name, self._seconds = name, limits.solver_seconds
        self._known: dict[Benchmark, Evaluation] = {}

    def __call__(self, benchmark: Benchmark) -> Evaluation:
        if benchmark not in self._known:
            self._known[benchmark] = self._solved(benchmark)
        return self._known[benchmark]

    def _solved(self, benchmark: Benchmark) -> Evaluation:
        task = Task.from_benchmark(benchmark)
        try:
            solved = SOLVERS[NAMES[self.name]](task, self._seconds, np.random.default_rng(0))
        except MissingPackage as error:
            return Evaluation(float(task.latest), "cycles", 1.0, False, error=str(error))
        return Evaluation(
            value=float(task.latest if solved.makespan is None else solved.makespan),
            unit="cycles",
            scale=float(max(1, solved.lower_bound)),
            higher_is_better=False,
            error=_why_not(solved),
            how=f"{self.name}: {_proof(solved)}, judged rule by rule",
            details={"tuning_seconds": solved.seconds, "tuning_trials": float(solved.evaluations)},
        )


def _proof(solved: Solved) -> str:
    return "proven" if solved.proven else f"no mapping takes fewer than {solved.lower_bound} cycles"


def _why_not(solved: Solved) -> str:
    """Empty where there is a mapping."""
    if solved.mapping is not None:
        return ""
    if not solved.infeasible:
        return f"no mapping was found in {solved.seconds:.1f} s"
    return "infeasible: " + "; ".join(" + ".join(conflict.rules) for conflict in solved.conflicts)
