"""Every library computes what numpy computes, on every kind of loop nest that it has code for."""

from __future__ import annotations

import pytest

from eval.baselines import Baselines
from rllib_envs.loop_nest.kinds import KINDS, make_statement
from rllib_envs.loop_nest.loop_tool_tree import to_ir
from rllib_envs.loop_nest.state import untuned
from rllib_envs.problem import Benchmark
from tests.eval.baselines.conftest import SIZES, benchmark

NO_CONTRACTION = {"transpose", "row_sum", "row_max", "dot_rows", "add_bias"}
NOT_AVAILABLE = {
    "numpy": set(),
    "torch": set(),
    "tvm": set(),
    "tvm_tiled": NO_CONTRACTION,
    "loop_tool": {"transpose"},
}


@pytest.fixture(scope="module")
def libraries(loop_nest):
    return Baselines(tuple(NOT_AVAILABLE))(loop_nest)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind(libraries, loop_nest, kind: str) -> None:
    for name, measure in libraries.items():
        evaluation = measure(benchmark(kind))
        if kind in NOT_AVAILABLE[name]:
            assert evaluation.error.startswith(f"not available for {kind}"), name
            assert (evaluation.value, evaluation.how, evaluation.doubtful) == (0.0, "", False)
            continue
        assert evaluation.verified, (name, evaluation.error)
        assert (evaluation.unit, evaluation.scale) == ("GFLOPS", loop_nest.peak().gflops)
        assert 0 < evaluation.value <= 1.1 * evaluation.scale
        assert "clock-normalised samples" in evaluation.how and "one thread" in evaluation.how
        if name != "numpy":
            assert evaluation.details["tuning_seconds"] > 0 and evaluation.details["tuning_trials"] == 0


def test_a_statement_of_no_kind(libraries) -> None:
    """As loop_tool has serialised it."""
    statement = make_statement("mm_bias_relu", {name: SIZES[name] for name in "mnk"})
    serialised = Benchmark("from_ir", "loop_nest", {"ir": to_ir(untuned(statement)).serialize()})
    for name, measure in libraries.items():
        evaluation = measure(serialised)
        assert evaluation.verified, (name, evaluation.error)


def test_a_schedule_by_hand_is_worth_its_while(libraries) -> None:
    product = benchmark("mm", m=64, n=64, k=64)
    assert libraries["tvm_tiled"](product).speedup_over(libraries["tvm"](product)) > 2


def test_compiling_is_done_once(libraries) -> None:
    product = benchmark("mm", m=32, n=32, k=32)
    first, again = (libraries["tvm"](product).details["tuning_seconds"] for _ in range(2))
    assert first == again


def test_without_a_c_compiler(loop_nest, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (measure,) = Baselines(("loop_tool",))(loop_nest).values()
    assert measure(benchmark("mm")).error.endswith("it needs a C compiler: install gcc or clang")
