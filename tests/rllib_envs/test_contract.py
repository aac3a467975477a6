"""Every registered problem keeps the contract, and the check finds those that don't."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.check import ContractBroken, check_problem
from rllib_envs.online_sharing.generate import random_suite as random_traces
from rllib_envs.problem import Benchmark, RecordKey
from rllib_envs.registry import PROBLEMS, make_problem
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.generate import random_suite
from rllib_envs.suite import Suite
from rllib_envs.toy import Toy
from tests.rllib_envs.kernel_tuning.kernels import TASKS
from tests.rllib_envs.network_scaling import scaled

BENCHMARKS = {
    "toy": [Benchmark(f"toy{i}", "toy", {"targets": [i, (3 * i + 1) % 8, 7][: 1 + i % 3]}) for i in range(8)],
    "loop_nest": [
        Benchmark("mm", "loop_nest", {"kind": "mm", "sizes": {"m": 24, "n": 40, "k": 17}}),
        Benchmark("bmm", "loop_nest", {"kind": "bmm", "sizes": {"b": 2, "m": 9, "n": 16, "k": 8}}),
        Benchmark("conv1d", "loop_nest", {"kind": "conv1d", "sizes": {"o": 16, "c": 4, "x": 11, "q": 3}}),
        Benchmark(
            "conv2d",
            "loop_nest",
            {"kind": "conv2d", "sizes": {"o": 16, "c": 3, "y": 6, "x": 5, "p": 3, "q": 2}},
        ),
        Benchmark("transpose", "loop_nest", {"kind": "transpose", "sizes": {"m": 33, "n": 18}}),
        Benchmark("dot_rows", "loop_nest", {"kind": "dot_rows", "sizes": {"m": 20, "n": 50}}),
        Benchmark("permuted", "loop_nest", {"kind": "mm", "sizes": {"m": 8, "n": 8, "k": 8}, "order": "k n m"}),
    ],
}

BENCHMARKS["kernel_tuning"] = [task.to_benchmark(name) for name, task in TASKS.items()]
BENCHMARKS["streaming_engine"] = [
    *Suite.load("streaming_engine").benchmarks,
    *Suite.load("streaming_engine_infeasible").benchmarks,
]
BENCHMARKS["stem_sharing"] = list(random_suite((1, 2, 3), 2, seed=0, event_length=EventLength.CORRECTED))
BENCHMARKS["online_sharing"] = list(random_traces((1, 2, 3), 2, seed=0, event_length=EventLength.CORRECTED))
BENCHMARKS["network_scaling"] = [scaled.benchmark(0.01, 0.8), scaled.benchmark(1.0, 100.0), scaled.TOY]


@pytest.mark.parametrize("name", PROBLEMS)
def test_registered_problem_keeps_the_contract(name):
    problem = make_problem(name)
    try:
        check_problem(problem, BENCHMARKS[name])
    finally:
        problem.close()


class AcceptsAnything(Toy):
    """Its mask refuses what apply carries out."""

    def apply(self, state, action):
        return super().apply(state, action) if self.legal(state)[action] else state


class Forgetful(Toy):
    """Its states depend on when they were made."""

    made = 0

    def initial(self, benchmark):
        Forgetful.made += 1
        return super().initial(benchmark)._replace(positions=(Forgetful.made % 8,) * len(benchmark.spec["targets"]))


class Unscaled(Toy):
    """Its features are raw sizes."""

    def observe(self, state):
        seen = super().observe(state)
        return seen._replace(globals=seen.globals + np.float32(4096))


class RecordsTheHand(Toy):
    """Its record keys tell states apart that are one objective."""

    def record_key(self, state):
        return RecordKey(f"targets {state.targets}", f"{state}")


class RecordsTooLittle(Toy):
    """Its record keys don't say which task it was."""

    def record_key(self, state):
        return RecordKey("a toy", super().record_key(state).solution)


class RecordsAddresses(Toy):
    """Its record keys mean nothing to anyone else."""

    def record_key(self, state):
        return RecordKey(f"{id(self)}", super().record_key(state).solution)


@pytest.mark.parametrize(
    ("problem", "rule"),
    [
        (AcceptsAnything, "accepted"),
        (Forgetful, "deterministic"),
        (Unscaled, "globals"),
        (RecordsTheHand, "one objective has two record keys"),
        (RecordsTooLittle, "two objectives have the record key"),
        (RecordsAddresses, "depend on the state and the config alone"),
    ],
)
def test_a_broken_problem_is_found(problem, rule):
    with pytest.raises(ContractBroken, match=rule):
        check_problem(problem(), BENCHMARKS["toy"], steps=300)
