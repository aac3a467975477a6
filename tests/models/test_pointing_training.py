"""Networks whose actions point at entities learn in every trainer, and what is left can be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.encoders.config import POINTER_KINDS, EncoderConfig
from models.policy import Policy
from models.train_settings import TrainSettings
from models.trainers.registry import TRAINERS
from models.training import TrainingSession
from rllib_envs.errors import UserError
from rllib_envs.policy_input import policy_input
from rllib_envs.streaming_engine.placement import task_of
from rllib_envs.suite import Suite

pytestmark = pytest.mark.usefixtures("shared_ray")

QUICK = {"batch_steps": 64, "minibatch": 32, "epochs": 1, "iteration_steps": 64, "warm_up_steps": 32, "batch": 16}
"""Each trainer has some of these settings."""


def learnt(trainer: str, encoder: str) -> Policy:
    fields = TRAINERS[trainer].__dataclass_fields__
    changes = {name: value for name, value in QUICK.items() if name in fields}
    env = {"problem": "streaming_engine", "suite": "streaming_engine"}
    settings = TrainSettings(
        trainer,
        env,
        envs_per_runner=2,
        encoder=EncoderConfig(encoder, width=16, layers=1, heads=2),
        trainer_settings=changes,
    )
    with TrainingSession(settings) as session:
        start = session.policy()
        while session.counters.env_steps < 130:
            session.step()
        policy = session.policy()
    assert any((policy.weights[name] != start.weights[name]).any() for name in start.weights), "it learnt nothing"
    return policy


@pytest.mark.parametrize(
    ("trainer", "encoder"),
    [*(("ppo", encoder) for encoder in POINTER_KINDS), *((one, "scorer") for one in sorted(set(TRAINERS) - {"ppo"}))],
)
def test_it_learns_and_its_policy_maps_graphs(trainer, encoder, tmp_path: Path):
    policy = Policy.load(learnt(trainer, encoder).save(tmp_path / "policy"))
    problem, player, rng = policy.make_problem(), policy.start(), np.random.default_rng(0)
    state = problem.initial(Suite.load("streaming_engine").benchmarks[-1])
    assert task_of(Suite.load("streaming_engine").benchmarks[-1]) is state.task
    while problem.legal(state).any():
        state = problem.apply(state, player.act(policy_input(problem, state, 1.0), rng))
    assert state.finished and problem.evaluate(state).verified


def test_an_encoder_that_reads_places_is_refused_before_anything_starts():
    settings = TrainSettings("ppo", {"problem": "streaming_engine", "suite": "streaming_engine"})
    with pytest.raises(UserError, match="mlp is not for a problem whose actions point"), TrainingSession(settings):
        pass
