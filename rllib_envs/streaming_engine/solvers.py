"""The solvers by name. Each is a function `solve(task, seconds, rng) -> Solved`; some take more by keyword."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rllib_envs.streaming_engine import annealing, evolution, exact, list_scheduling, random_search
from rllib_envs.streaming_engine.solved import Solver

SOLVERS: Mapping[str, Solver] = MappingProxyType(
    {
        "cp_sat": exact.solve,
        "annealing": annealing.solve,
        "list_scheduling": list_scheduling.solve,
        "cma_es": evolution.solve,
        "random": random_search.solve,
    }
)
