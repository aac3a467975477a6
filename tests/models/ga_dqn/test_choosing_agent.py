"""The Q-network that scores choices learns what they earn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.ga_dqn.agent import Agent
from models.ga_dqn.replay import Replay
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.small_network import SmallNetwork
from rllib_envs.errors import UserError

WIDTH = 6


def taught(agent: Agent, decisions: int = 100) -> Agent:
    """It has seen choices that earn their first feature."""
    rng = np.random.default_rng(0)
    for _ in range(decisions):
        features = rng.random(WIDTH, np.float32)
        agent.remember(features, float(features[0]))
        agent.learn()
    return agent


def test_it_learns_which_choice_earns_most() -> None:
    agent = taught(Agent(WIDTH, GADQNSettings(), 0))
    candidates = np.random.default_rng(1).random((200, WIDTH), np.float32)
    values = agent.scores(candidates)
    assert np.corrcoef(values, candidates[:, 0])[0, 1] > 0.9


def test_the_target_starts_equal_and_follows_slowly() -> None:
    agent = Agent(WIDTH, GADQNSettings(target_rate=0.5), 0)
    assert torch.equal(agent.target, agent.network.weights)
    taught(agent, 40)
    assert 0 < float((agent.target - agent.network.weights).abs().max()) < 0.1


def test_the_gradient_is_pytorchs() -> None:
    """One step of Adam on the Huber loss, from the same weights."""
    rng = np.random.default_rng(0)
    network = SmallNetwork(WIDTH, 8, rng)
    rows, targets = rng.standard_normal((32, WIDTH)).astype(np.float32), 3 * rng.standard_normal(32).astype(np.float32)
    parts = [part.clone().requires_grad_() for part in network._parts(network.weights)]
    w1, b1, w2, b2, w3, b3 = parts
    optimiser = torch.optim.Adam(parts, lr=0.01)
    for _ in range(5):
        values = (((torch.tensor(rows) @ w1 + b1).relu() @ w2 + b2).relu() @ w3 + b3).squeeze(-1)
        optimiser.zero_grad()
        torch.nn.functional.huber_loss(values, torch.tensor(targets)).backward()
        optimiser.step()
        with torch.no_grad():
            network.fit(rows, targets, 0.01)
    expected = np.concatenate([part.detach().numpy().ravel() for part in parts])
    assert network.weights.numpy() == pytest.approx(expected, abs=1e-4)


def test_a_value_includes_what_follows_and_ends_where_the_decision_ends() -> None:
    ends, goes_on = np.eye(WIDTH, dtype=np.float32)[:2]
    best = np.eye(WIDTH, dtype=np.float32)[2:3]
    agent = Agent(WIDTH, GADQNSettings(discount=0.5, target_rate=0.2, learning_rate=1e-2), 0)
    for _ in range(40):
        agent.remember(best[0], 1.0)
        agent.remember(ends, 1.0)
        agent.remember(goes_on, 1.0, 0.5, best)
        agent.learn()
    assert agent.scores(np.stack([ends, goes_on])) == pytest.approx([1.0, 1.5], abs=0.1)


def test_it_learns_the_same_again() -> None:
    first, second = (taught(Agent(WIDTH, GADQNSettings(), 5), 40).knowledge() for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_every_second_sample_is_of_this_kernel_where_some_came_from_others() -> None:
    replay = Replay(100, 1, 0)
    for _ in range(90):
        replay.add(np.zeros(1), 0.0)
    replay.carried = replay.added
    for _ in range(5):
        replay.add(np.ones(1), 1.0)
    own = replay.reward[replay.sample(np.random.default_rng(0), 1000)].mean()
    assert 0.5 <= own < 0.6


def test_a_full_replay_forgets_the_oldest() -> None:
    replay = Replay(4, 1, 0)
    for number in range(6):
        replay.add(np.full(1, number), float(number))
    assert sorted(replay.reward) == [2, 3, 4, 5] and len(replay) == 4


@pytest.mark.parametrize(
    "wrong", [{"reward": "log_ration"}, {"choice": "random"}, {"discount": 2.0}, {"batch": 0}, {"learning_rate": 0.0}]
)
def test_settings_of_networks_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        GADQNSettings(**wrong)  # type: ignore[arg-type]
