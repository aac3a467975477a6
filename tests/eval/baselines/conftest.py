"""Baselines on real libraries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from eval.baselines import Baseline, Baselines
from eval.baselines.limits import TuningLimits
from rllib_envs.loop_nest.kinds import KINDS, benchmark_name
from rllib_envs.problem import Benchmark

SIZES = {"m": 24, "n": 20, "k": 28, "b": 3, "x": 6, "y": 5, "q": 3, "p": 2, "c": 4, "o": 12}


def benchmark(kind: str, **other: int) -> Benchmark:
    sizes = {name: {**SIZES, **other}[name] for name in KINDS[kind].order.split()}
    return Benchmark(benchmark_name(kind, sizes), "loop_nest", {"kind": kind, "sizes": sizes})


@pytest.fixture
def make_baselines(loop_nest, tmp_path: Path) -> Callable[..., dict[str, Baseline]]:
    """Baselines of loop nests by name, each call with processes of its own; what is tuned is kept in `tmp_path`."""

    def make(*names: str, trials: int = 4, seconds: float = 20.0) -> dict[str, Baseline]:
        return Baselines(names, TuningLimits(trials, seconds, tmp_path / "tuned"))(loop_nest)

    return make
