"""The recurrent trainer: its loss, its memory of the episode, and what only that can solve."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ray.rllib.core import DEFAULT_MODULE_ID

from models.encoders.config import EncoderConfig
from models.replay.episodes import EpisodeReplay
from models.replay.transitions import Steps
from models.train_settings import TrainSettings
from models.training import TrainingSession
from rllib_envs import registry
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy
from tests.models.recall import CUES, Recall
from tests.models.test_replay_episodes import whole
from tests.models.test_training import quick, share_of_optimum
from tests.models.toy_policies import random_states

EPISODES = {1: True, 4: False, 9: True}
"""Lengths, and whether nothing was legal at the end; the other one was truncated."""

pytestmark = pytest.mark.usefixtures("shared_ray")


@pytest.fixture
def recall_env(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.PROBLEMS, "recall", lambda: Recall)
    for cue in range(CUES):
        benchmark = Benchmark(f"cue{cue}", "recall", {"cue": cue})
        (tmp_path / f"{benchmark.name}.json").write_text(benchmark.to_json())
    return {"problem": "recall", "suite": str(tmp_path)}


def share_recalled(policy, env) -> float:
    """Of greedy decoding over all cues."""
    from rllib_envs.tuning_env import TuningEnv

    tuning, right = TuningEnv.from_config(env), 0.0
    for benchmark in tuning.benchmarks:
        inputs, _ = tuning.reset(options={"benchmark": benchmark.name})
        player = policy.start()
        while inputs["action_mask"].any():
            inputs, reward, *_ = tuning.step(player.act(inputs))
            right += reward
    return right / len(tuning.benchmarks)


def trained(trainer: str, env: dict[str, str], iterations: int) -> float:
    """The best share recalled after any of these iterations."""
    changes = {"iteration_steps": 512, "warm_up_steps": 256, "epsilon_steps": 2000}
    settings = TrainSettings(trainer, env, seed=3, encoder=EncoderConfig(width=32), trainer_settings=changes)
    with TrainingSession(settings) as session:
        best = 0.0
        while best < 1.0 and session.iteration < iterations:
            session.step()
            best = max(best, share_recalled(session.policy(), env))
    return best


def test_it_recalls_what_it_saw_first(recall_env):
    assert trained("r2d2", recall_env, iterations=20) == 1.0


def test_without_a_memory_there_is_nothing_to_recall(recall_env):
    assert trained("dqn", recall_env, iterations=6) == 1 / CUES


def test_the_loss_is_double_q_learning_on_n_step_returns_within_each_episode(toy_env):
    """Against a direct evaluation, each episode unrolled alone and without padding."""
    rng = np.random.default_rng(0)
    played = []
    for length, terminated in EPISODES.items():
        states = random_states(Toy(), length + 1, seed=length)
        states["action_mask"][-1] = 0 if terminated else 1
        legal = states["action_mask"][:length]
        actions = np.array([rng.choice(np.flatnonzero(row)) for row in legal])
        rewards = rng.normal(size=length).astype(np.float32)
        played.append(Steps(states, actions, rewards, np.zeros(length, np.float32), np.zeros(length, np.float32)))
    with TrainingSession(quick("r2d2", toy_env)) as session:
        learner = session._algorithm.learner_group._learner
        module = learner.module[DEFAULT_MODULE_ID].unwrapped()
        n, discount = session.trainer.n_step, session.trainer.discount
        for weight in module._target_network.parameters():
            weight.data += 0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
        errors, replay = [], EpisodeReplay(100, seed=1)
        for steps, terminated in zip(played, EPISODES.values(), strict=True):
            replay.add([whole(steps, n, terminated, discount)])
            inputs = {name: torch.from_numpy(array)[None] for name, array in steps.observations.items()}
            with torch.no_grad():
                ours, targets = module.network.unroll(inputs)[0][0], module._target_network.unroll(inputs)[0][0]
            length = len(steps.actions)
            for t in range(length):
                end = min(t + n, length)
                expected = sum(discount ** (k - t) * steps.rewards[k] for k in range(t, end))
                if not (terminated and end == length):
                    expected += discount ** (end - t) * float(targets[end, ours[end].argmax()])
                errors.append(float(ours[t, steps.actions[t]]) - expected)
        drawn = replay.sample(40)
        times = {length: int((drawn["loss_mask"].sum(1) == length).sum()) for length in EPISODES}
        weights = np.concatenate([np.full(length, times[length]) for length in EPISODES])
        huber = np.array([0.5 * error**2 if abs(error) < 1 else abs(error) - 0.5 for error in errors])
        batch = {name: torch.from_numpy(column) for name, column in drawn.items() if name != "obs"}
        batch["obs"] = {name: torch.from_numpy(column) for name, column in drawn["obs"].items()}
        config = learner.config.get_config_for_module(DEFAULT_MODULE_ID)
        loss = learner.compute_loss_for_module(
            module_id=DEFAULT_MODULE_ID, config=config, batch=batch, fwd_out=module.forward_train(batch)
        )
        loss.backward()
    assert min(times.values()) > 0
    assert loss.item() == pytest.approx((weights * huber).sum() / weights.sum(), rel=1e-5)
    gradients = [weight.grad for weight in module.network.parameters()]
    assert all(torch.isfinite(gradient).all() for gradient in gradients) and any(g.abs().sum() > 0 for g in gradients)
    assert all(weight.grad is None for weight in module._target_network.parameters())


@pytest.mark.parametrize("env_processes", [False, True])
def test_a_runner_in_its_own_process_carries_the_state(toy_env, env_processes):
    with TrainingSession(quick("r2d2", toy_env, env_runners=1, env_processes=env_processes)) as session:
        reports = [session.step() for _ in range(2)]
        assert reports[-1].losses and reports[-1].env_steps > reports[0].env_steps >= 256
        assert 0.0 <= share_of_optimum(session.policy(), toy_env) <= 1.0
