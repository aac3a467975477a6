"""Kernel tuning on the contract: what its states are worth, what a policy sees, and what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.kernel_tuning.decisions import decisions, options
from rllib_envs.kernel_tuning.features import GLOBAL_FEATURES, KNOB_FEATURES, OPTION_FEATURES
from rllib_envs.kernel_tuning.gene_space import TileKnob
from rllib_envs.kernel_tuning.notation import parse_gene
from rllib_envs.kernel_tuning.problem import KNOBS_SHOWN, KernelTuning
from rllib_envs.kernel_tuning.protocol import CRASH, INVALID, Measured
from rllib_envs.problem import Benchmark
from rllib_envs.registry import make_problem
from rllib_envs.suite import Suite
from rllib_envs.tuning_env import TuningEnv
from tests.rllib_envs.kernel_tuning.kernels import SPECS, TASKS


@pytest.fixture(scope="module")
def problem():
    made = KernelTuning()
    yield made
    made.close()


def benchmark(name: str) -> Benchmark:
    return Benchmark(name, "kernel_tuning", SPECS[name])


def walked(problem, name: str, seed: int = 0):
    """The states of a random episode."""
    rng, states = np.random.default_rng(seed), [problem.initial(benchmark(name))]
    while (legal := np.flatnonzero(problem.legal(states[-1]))).size:
        states.append(problem.apply(states[-1], int(rng.choice(legal))))
    return states


def test_an_episode_decides_a_gene_and_is_worth_its_speed(problem) -> None:
    env = TuningEnv(problem, [benchmark("dense")])
    seen, _ = env.reset()
    rewards = []
    rng, ended = np.random.default_rng(0), False
    while not ended:
        action = int(rng.choice(np.flatnonzero(seen["action_mask"])))
        seen, reward, ended, truncated, info = env.step(action)
        rewards.append(reward)
        assert not truncated and not info["error"] and info["value"] > 0
    space = env.state.kernel.space
    assert len(rewards) <= decisions(space) and env.state.finished
    won = env.best.value - env.start.value
    assert sum(rewards) == pytest.approx(won / problem.measurer.ready().peak_gflops)
    assert env.best.details["seconds"] == pytest.approx(TASKS["dense"].flops / env.best.value / 1e9)


def test_what_stands_for_one_gene_is_measured_once(problem) -> None:
    measure = EvaluationCache(problem)
    start = problem.initial(benchmark("dense"))
    untouched = options(start).index(1)
    after = problem.apply(start, untouched)
    assert after != start and after.gene == start.gene
    assert problem.record_key(after) == problem.record_key(start)
    assert measure(after) is measure(start) and measure.misses == 1


def test_records_name_task_and_gene(problem) -> None:
    for state in walked(problem, "conv2d"):
        key = problem.record_key(state)
        assert key.benchmark == TASKS["conv2d"].text
        assert parse_gene(state.kernel.space, key.solution) == state.gene
    assert "TVM " in problem.measured_on() and problem.measured_on() == make_problem("kernel_tuning").measured_on()


@pytest.mark.parametrize("name", SPECS)
def test_options_and_knobs_are_shown(problem, name: str) -> None:
    rows = len(problem.actions)
    for state in walked(problem, name):
        tokens, mask, features = problem.observe(state)
        count = int(problem.legal(state).sum())
        knobs = state.kernel.space.knobs
        assert mask[:rows].sum() == count and mask[:count].all()
        assert mask[rows:].sum() == len(knobs) <= KNOBS_SHOWN and mask[rows]
        assert features.shape == (len(GLOBAL_FEATURES),) and np.abs(tokens).max() < 4 > np.abs(features).max()
        if state.finished:
            assert features[-1] == 0 and tokens[rows:, KNOB_FEATURES.index("decided")].sum() == len(knobs)
            continue
        assert tokens[rows, KNOB_FEATURES.index("at_hand")] == 1
        assert not tokens[:count, OPTION_FEATURES.index("preference")].any()
        untouched = tokens[:count, OPTION_FEATURES.index("untouched")]
        assert untouched.sum() == 1 and problem.apply(state, int(untouched.argmax())).gene == state.gene
        if isinstance(state.knob, TileKnob):
            factors = tokens[:count, OPTION_FEATURES.index("factor")]
            assert (np.diff(factors) > 0).all()


def test_states_are_small_and_equal_by_content(problem) -> None:
    for state in walked(problem, "conv2d"):
        again = pickle.loads(pickle.dumps(state))  # noqa: S301  (our own bytes)
        assert again == state and hash(again) == hash(state)
    assert problem.initial(benchmark("conv2d")) != problem.initial(benchmark("dense"))


def test_illegal_options_are_refused_with_the_reason(problem) -> None:
    *_, last = states = walked(problem, "dense")
    with pytest.raises(IllegalAction, match=r"option_31: knob 'tile_0_16' has \d+ options here"):
        problem.apply(states[0], 31)
    with pytest.raises(IllegalAction, match="all knobs are decided"):
        problem.apply(last, 0)


def test_tasks_that_do_not_fit_are_refused(problem) -> None:
    few = KernelTuning(max_options=3)
    few.measurer._opened = problem.measurer._opened  # spaces that are known need no TVM
    with pytest.raises(UserError, match=r"benchmark 'dense' has a decision among 6 options.*set max_options to 6"):
        few.initial(benchmark("dense"))
    with pytest.raises(UserError, match="max_options is 1"):
        make_problem("kernel_tuning", {"max_options": 1})
    with pytest.raises(UserError, match="benchmark 'mine': design is 7"):
        problem.initial(Benchmark("mine", "kernel_tuning", {**SPECS["dense"], "design": 7}))


def test_what_fails_is_worth_nothing(problem) -> None:
    failed = problem.evaluation(TASKS["dense"], Measured(INVALID, reason="no schedule"))
    assert (failed.value, failed.error, failed.doubtful) == (0.0, "invalid: no schedule", False)
    assert problem.evaluation(TASKS["dense"], Measured(CRASH, reason="crash: SIGSEGV")).doubtful


def test_baseline_is_tvm_without_a_schedule(problem) -> None:
    (baseline,) = problem.baselines().values()
    found = baseline(benchmark("conv2d"))
    assert found.verified and found.unit == "GFLOPS" and found.value > 0


def test_every_shipped_kernel_can_be_tuned(problem) -> None:
    for suite in ("kernel_tuning", "kernel_tuning_upstream", "kernel_landscapes"):
        for one in Suite.load(suite).benchmarks:
            state = problem.initial(one)
            assert state.kernel.space.size > 500 and problem.describe(state).count("\n") > 2
