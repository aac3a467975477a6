"""Acting in NumPy: as PyTorch does, with the newest weights, and at random only where that is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.rl_module import RLModuleSpec

from models.encoders.config import EncoderConfig
from models.replay.transitions import Q_BEST, Q_TAKEN
from models.rl_modules import MEMORY, module_config
from models.runners.acting import Arrays, Decisions, TorchActor
from models.runners.numpy_actor import MOST_ROWS, NumpyActor
from models.train_settings import TrainSettings
from models.trainers.registry import TRAINERS
from models.training import TrainingSession
from rllib_envs.toy import Toy
from rllib_envs.tuning_env import policy_input_space
from tests.models.toy_policies import random_states

TOLERANCE = 1e-5
ROWS = 50
DRAWS = 4000


def built(trainer: str) -> Any:
    """The module of a trainer, untrained."""
    problem = Toy()
    settings = module_config(problem.spec, EncoderConfig(width=32)) | {"double_q": True, "epsilon": 0.5}
    spec = RLModuleSpec(
        TRAINERS[trainer]().module_class(),
        observation_space=policy_input_space(problem),
        action_space=spaces.Discrete(len(problem.actions)),
        model_config=settings,
    )
    return spec.build().eval()


@pytest.fixture(params=["apex_dqn", "r2d2", "ppo", "appo"])
def module(request: pytest.FixtureRequest) -> Any:
    return built(request.param)


def observations(count: int, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """Random ones in which something is legal."""
    states = random_states(Toy(), count + 1, seed)
    return [{name: array[row] for name, array in states.items()} for row in range(count)]


def memories(module: Any, count: int) -> list[Arrays] | None:
    rng = np.random.default_rng(0)
    width = module.get_initial_state().get(MEMORY)
    return None if width is None else [{MEMORY: rng.normal(size=len(width)).astype(np.float32)} for _ in range(count)]


def assert_same(found: Decisions, expected: Decisions) -> None:
    assert found.actions == expected.actions
    for ours, theirs in ((found.extra, expected.extra), (found.states, expected.states)):
        assert ours.keys() == theirs.keys()
        for name in ours.keys() - {Columns.ACTION_LOGP}:  # RLlib calls the likeliest action certain
            assert ours[name].dtype == theirs[name].dtype == np.float32
            np.testing.assert_allclose(ours[name], theirs[name], rtol=TOLERANCE, atol=TOLERANCE)


def test_the_best_actions_are_those_of_pytorch_with_all_that_learners_want(module):
    assert NumpyActor.knows(module)
    seen, before = observations(ROWS), memories(module, ROWS)
    ours = NumpyActor(module).decide(seen, before, explore=False)
    assert all(observed["action_mask"][action] for observed, action in zip(seen, ours.actions, strict=True))
    assert_same(ours, TorchActor(module).decide(seen, before, explore=False))


def test_exploring_draws_legal_actions_as_often_as_pytorch_does(module):
    (observed,), before = observations(1), memories(module, 1)
    shares = []
    for actor in (NumpyActor(module), TorchActor(module)):
        drawn = actor.decide([observed] * DRAWS, before and before * DRAWS, explore=True, t=0).actions
        shares.append(np.bincount(drawn, minlength=len(observed["action_mask"])) / DRAWS)
        assert not shares[-1][observed["action_mask"] == 0].any()
    np.testing.assert_allclose(*shares, atol=0.05)


def test_what_is_said_of_an_exploring_action_is_about_that_one(module):
    seen, before = observations(ROWS), memories(module, ROWS)
    np.random.seed(0)
    found = NumpyActor(module).decide(seen, before, explore=True, t=0)
    rows = np.arange(ROWS)
    if Columns.ACTION_DIST_INPUTS in found.extra:
        logits = found.extra[Columns.ACTION_DIST_INPUTS].astype(np.float64)
        expected = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True))
        expected -= logits.max(1, keepdims=True)
        np.testing.assert_allclose(found.extra[Columns.ACTION_LOGP], expected[rows, found.actions], atol=1e-4)
    else:
        best = NumpyActor(module).decide(seen, before, explore=False)
        np.testing.assert_array_equal(found.extra[Q_BEST], best.extra[Q_BEST])
        greedy = np.array(found.actions) == np.array(best.actions)
        assert (found.extra[Q_TAKEN] == found.extra[Q_BEST])[greedy].all() and not greedy.all()


def test_each_row_has_its_own_epsilon():
    module = built("apex_dqn")
    seen = observations(ROWS)
    best = NumpyActor(module).decide(seen, None, explore=False).actions
    epsilon = np.repeat(np.array([0, 1], np.float32), ROWS // 2)
    same = np.zeros(ROWS)
    for _ in range(20):
        drawn = NumpyActor(module).decide(seen, None, explore=True, t=0, epsilon=epsilon).actions
        same += np.array(drawn) == np.array(best)
    assert (same[: ROWS // 2] == 20).all()
    assert same[ROWS // 2 :].mean() < 18


def test_where_nothing_is_legal_any_action_is_drawn(module):
    (observed,) = observations(1)
    observed["action_mask"] = np.zeros_like(observed["action_mask"])
    found = NumpyActor(module).decide([observed], memories(module, 1), explore=True, t=0)
    assert 0 <= found.actions[0] < len(observed["action_mask"])


@pytest.mark.usefixtures("shared_ray")
@pytest.mark.parametrize("trainer", ["apex_dqn", "dqn", "ppo", "appo", "impala"])
def test_runners_act_with_the_newest_weights(trainer, toy_env):
    """After each iteration the local runner's actor, whichever it has kept, decides as its module does."""
    settings = TrainSettings(trainer, toy_env, env_runners=0, encoder=EncoderConfig(width=32))
    seen = observations(MOST_ROWS)
    with TrainingSession(settings) as session:
        runner = session._algorithm.env_runner_group.local_env_runner
        before = None
        for _ in range(2):
            session.step()
            actor = runner._actor(MOST_ROWS)
            assert isinstance(actor, NumpyActor)
            found = actor.decide(seen, None, explore=False)
            assert_same(found, TorchActor(runner.module).decide(seen, None, explore=False))
            scores = next(iter(found.extra.values()))
            assert before is None or not np.array_equal(scores, before), "nothing was learnt"
            before = scores
        assert isinstance(runner._actor(MOST_ROWS + 1), TorchActor)
