"""The best of many episodes, and learning to do what it did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ray.rllib.core import DEFAULT_MODULE_ID

from models.encoders.config import EncoderConfig
from models.replay.buffer import ReplayBuffer
from models.self_improvement.best_of import best_of
from models.train_settings import TrainSettings
from models.training import TrainingSession
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.problem import STOP, Benchmark, PolicyInput
from rllib_envs.streaming_engine.problem import StreamingEngine
from rllib_envs.suite import Suite
from rllib_envs.toy import Toy
from rllib_envs.tuning_env import TuningEnv

HORIZON = 6


def dials(*targets: int) -> Benchmark:
    return Benchmark("dials", "toy", {"targets": list(targets)})


def anything_legal(rng: np.random.Generator, asked: list[PolicyInput] | None = None) -> Any:
    def choose(inputs: PolicyInput) -> np.ndarray:
        if asked is not None:
            asked.append(inputs)
        return (inputs["action_mask"] * rng.random(inputs["action_mask"].shape)).argmax(axis=1)

    return choose


def following(*names: str) -> Any:
    """All episodes take these actions, one after the other."""
    left = [Toy.actions.index(name) for name in names]
    return lambda inputs: np.full(len(inputs["action_mask"]), left.pop(0))


def value_after(problem: Any, benchmark: Benchmark, actions: tuple[int, ...]) -> float:
    state = problem.initial(benchmark)
    for action in actions:
        state = problem.apply(state, action)
    return float(problem.evaluate(state).value)


def test_the_best_of_many_reaches_what_few_steps_can():
    asked: list[PolicyInput] = []
    choose = anything_legal(np.random.default_rng(0), asked)
    actions = best_of(EvaluationCache(Toy()), dials(2, 1), 300, choose, HORIZON)
    assert value_after(Toy(), dials(2, 1), actions) == 1.0
    assert Toy.actions[actions[-1]] == STOP and STOP not in [Toy.actions[action] for action in actions[:-1]]
    assert len(asked[0]["action_mask"]) == 300 and len(asked) <= HORIZON
    assert [float(inputs["globals"][0, -1]) for inputs in asked] == pytest.approx(1 - np.arange(len(asked)) / HORIZON)


def test_it_ends_at_its_best_state():
    cache = EvaluationCache(Toy())
    assert best_of(cache, dials(1), 3, following("raise", "raise", "raise"), 3) == (1, 3)
    assert best_of(cache, dials(2), 3, following("raise", "raise"), 2) == (1, 1), "there is no room for a stop"


def test_nothing_better_than_the_start_is_no_plan():
    assert best_of(EvaluationCache(Toy()), dials(0), 3, following("raise", "lower", "stop"), 3) == ()


def test_episodes_that_stopped_are_not_asked_about():
    sizes = []

    def choose(inputs: PolicyInput) -> np.ndarray:
        sizes.append(len(inputs["action_mask"]))
        return np.array([3, *[1] * (len(inputs["action_mask"]) - 1)])

    best_of(EvaluationCache(Toy()), dials(7), 3, choose, 4)
    assert sizes == [3, 2, 1]


@pytest.mark.parametrize("name", ["vector_add", "mul_add"])
def test_mappings_are_sampled_in_lockstep_and_the_best_can_be_played(name):
    problem = StreamingEngine()
    benchmark = next(each for each in Suite.load("streaming_engine").benchmarks if each.name.startswith(name))
    found = best_of(EvaluationCache(problem), benchmark, 64, anything_legal(np.random.default_rng(0)), problem.horizon)
    alone = [
        best_of(EvaluationCache(problem), benchmark, 1, anything_legal(np.random.default_rng(seed)), problem.horizon)
        for seed in range(8)
    ]
    env = TuningEnv(problem, [benchmark])
    env.reset()
    for number, action in enumerate(found, 1):
        _, _, terminated, _, info = env.step(action)
        assert terminated == (number == len(found))
    best = env.unwrapped.best.value
    assert info["value"] == value_after(problem, benchmark, found)
    assert best <= info["value"] <= min(value_after(problem, benchmark, one) for one in alone if one)


def settings(env: dict[str, Any], **changes: Any) -> TrainSettings:
    return TrainSettings(
        "self_improvement",
        env,
        envs_per_runner=4,
        encoder=EncoderConfig(width=32),
        trainer_settings={"episodes": 16, "warm_up_steps": 64, "iteration_steps": 256, "batch": 64, **changes},
    )


@pytest.mark.usefixtures("shared_ray")
def test_its_policy_comes_to_do_what_the_best_did(toy_env):
    """Of random episodes the best of 16 is far from the optimum; of those of a policy that imitates them it is not."""
    with TrainingSession(settings(toy_env)) as session:
        before = session.validation().look(session.policy())
        first = session.step()
        for _ in range(12):
            last = session.step()
        assert last.return_mean > first.return_mean + 0.1
        assert {"policy_loss", "vf_loss", "entropy", "total_loss"} <= set(last.losses)
        assert last.losses["entropy"] < first.losses["entropy"]
        after = session.validation().look(session.policy())
    assert after > before + 0.2


@pytest.mark.usefixtures("shared_ray")
def test_what_is_remembered_are_steps_of_the_plan_with_what_they_still_won(toy_env):
    with TrainingSession(settings(toy_env)) as session:
        session.step()
        memory = session._algorithm._replay
        assert isinstance(memory, ReplayBuffer) and memory.size >= 64
        columns = memory.rows(memory.oldest_first())
        won, actions = columns["value_targets"], columns["actions"]
        stops = actions == Toy.actions.index(STOP)
        assert stops.any() and (won[stops] == 0).all() and (won[~stops] > 0).all()
        legal = columns["obs"]["action_mask"][np.arange(len(actions)), actions]
        assert legal.all()


@pytest.mark.usefixtures("shared_ray")
def test_what_is_remembered_comes_back_from_a_checkpoint(toy_env, tmp_path):
    with TrainingSession(settings(toy_env)) as session:
        session._algorithm.keeps_replay = True
        session.step()
        kept = session._algorithm._replay.state()
        session.save(tmp_path / "checkpoint")
    with TrainingSession(settings(toy_env), tmp_path / "checkpoint") as session:
        back = session._algorithm._replay.state()
        assert set(back) == set(kept)
        for name, array in kept.items():
            np.testing.assert_array_equal(back[name], array)
        assert session.step().losses


@pytest.mark.usefixtures("shared_ray")
def test_what_plays_is_the_average_of_what_was_learnt(toy_env, tmp_path):
    with TrainingSession(settings(toy_env)) as session:
        session.step()
        algorithm = session._algorithm
        module = algorithm.learner_group._learner.module[DEFAULT_MODULE_ID].unwrapped()
        plays = [weights for name, weights in module.named_parameters() if name.startswith("network.")]
        learnt = [weights for name, weights in module.named_parameters() if name.startswith("_learnt.")]
        assert len(plays) == len(learnt) and not any(weights.requires_grad for weights in plays)
        assert all((mean != last).any() for mean, last in zip(plays, learnt, strict=True))
        runner = algorithm.env_runner.module
        assert not hasattr(runner, "_learnt")
        for mean, copied in zip(plays, runner.network.parameters(), strict=True):
            np.testing.assert_array_equal(copied.detach(), mean.detach())
        policy = session.policy()
        for name, weights in module.network.named_parameters():
            np.testing.assert_array_equal(policy.weights[name], weights.detach())
        before, updates = plays[0].detach().clone(), float(module._updates)
        assert updates > 0
        module._updates.fill_(1e6)
        module.average(4.0)
        np.testing.assert_allclose(plays[0].detach(), 0.75 * before + 0.25 * learnt[0].detach(), rtol=1e-5, atol=1e-7)
        module._updates.fill_(updates)
        session.save(tmp_path / "checkpoint")
    with TrainingSession(settings(toy_env), tmp_path / "checkpoint") as session:
        again = session._algorithm.learner_group._learner.module[DEFAULT_MODULE_ID].unwrapped()
        for mean, weights in zip(plays, again.network.parameters(), strict=True):
            np.testing.assert_array_equal(weights.detach(), mean.detach())
        assert float(again._updates) == updates
