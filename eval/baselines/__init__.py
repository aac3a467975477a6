"""What a user would otherwise call for a benchmark: libraries and compilers, each measured as our own answers are.

A baseline answers a benchmark with one evaluation in the problem's unit. Those of a library run in a process of its
own, which may crash or hang at the cost of that row. A new one is a function `(workload, limits) -> Prepared` of its
library and a line in `LIBRARY`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from eval.baselines.library_baseline import LibraryBaseline, Source
from eval.baselines.limits import TuningLimits
from eval.baselines.process import LibraryProcess
from eval.baselines.solver_baseline import NAMES as SOLVERS
from eval.baselines.solver_baseline import SolverBaseline
from rllib_envs.errors import UserError
from rllib_envs.loop_nest import LoopNest
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark, Evaluation, Problem
from rllib_envs.streaming_engine.problem import StreamingEngine

Baseline = Callable[[Benchmark], Evaluation]


LIBRARY: Mapping[str, Source] = {
    "torch": Source("torch"),
    "tvm": Source("tvm", ("tvm",)),
    "tvm_tiled": Source("tvm", ("tvm",)),
    "tvm_metaschedule": Source("tvm", ("tvm", "xgboost"), searches=True),
    "loop_tool": Source("loop_tool"),
}
"""Of loop nests, beside the problem's own."""
ALL = "all"
CHEAP = ("numpy", "torch", "tvm", "tvm_tiled", "annealing_solver")
"""Those that take a second at most for a benchmark, and annealing, which takes as long as a search may."""


@dataclass(frozen=True)
class Baselines:
    """Named baselines, made anew for each problem that they are asked for. Survives pickling."""

    names: tuple[str, ...]
    limits: TuningLimits = field(default_factory=TuningLimits)

    @classmethod
    def parse(cls, text: str, problem: Problem[Any], limits: TuningLimits | None = None) -> Baselines:
        """From names with commas between them; `all` for every one that there is, nothing for those that are cheap.

        UserError for an unknown one.
        """
        known = known_baselines(problem)
        names = [name.strip() for name in text.split(",") if name.strip()] or cheap_baselines(problem)
        if names == [ALL]:
            names = known
        for name in names:
            choose(name, known, f"baseline of {problem.name}")
        twice = [name for index, name in enumerate(names) if name in names[:index]]
        if twice:
            raise UserError(f"the baseline {twice[0]!r} was given twice")
        return cls(tuple(names), limits or TuningLimits())

    def __call__(self, problem: Problem[Any]) -> dict[str, Baseline]:
        """By name. Their processes start at the first use, and end when nobody refers to them any more."""
        own = problem.baselines()
        processes: dict[str, LibraryProcess] = {}
        chosen: dict[str, Baseline] = {}
        for name in self.names:
            if name in own:
                chosen[name] = own[name]
                continue
            if isinstance(problem, StreamingEngine):
                chosen[name] = SolverBaseline(name, self.limits)
                continue
            assert isinstance(problem, LoopNest), f"{problem.name} has no baseline {name}"
            source = LIBRARY[name]
            process = processes.setdefault(source.library, LibraryProcess(source.library))
            chosen[name] = LibraryBaseline(name, source, problem, process, self.limits)
        return chosen


def known_baselines(problem: Problem[Any]) -> list[str]:
    """The names of those that a problem can be compared with."""
    others = LIBRARY if isinstance(problem, LoopNest) else SOLVERS if isinstance(problem, StreamingEngine) else ()
    return [*problem.baselines(), *others]


def cheap_baselines(problem: Problem[Any]) -> list[str]:
    """Those that a comparison has when none are named."""
    return [name for name in known_baselines(problem) if name in CHEAP or name in problem.baselines()]
