"""Transitions against a direct evaluation of their definition, and a memory that forgets the oldest first."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from models.replay.buffer import ReplayBuffer
from models.replay.transitions import EpisodeAssembler, Steps, n_step_transitions

DISCOUNT = 0.9


def episode(length: int, start: int = 0) -> Steps:
    rows = np.arange(start, start + length + 1, dtype=np.float32)
    rewards = np.random.default_rng(length).random(length).astype(np.float32)
    return Steps({"tokens": rows}, np.arange(start, start + length), rewards)


@pytest.mark.parametrize("n", [1, 3, 5])
@pytest.mark.parametrize("length", [1, 2, 3, 10])
def test_every_step_of_an_episode_is_the_start_of_one_transition(length, n):
    steps = episode(length)
    made = n_step_transitions(steps, n, DISCOUNT)
    assert len(made) == length
    for start in range(length):
        end = min(start + n, length)
        total = sum(DISCOUNT ** (t - start) * steps.rewards[t] for t in range(start, end))
        assert made.rewards[start] == pytest.approx(total, rel=1e-6)
        assert made.obs["tokens"][start] == start and made.new_obs["tokens"][start] == end
        assert made.terminateds[start] == (end == length)
        assert made.n_step[start] == end - start


def fragment(steps: Steps, begin: int, end: int, name: str = "a") -> SimpleNamespace:
    """What RLlib's environment runner hands out for a part of an episode."""
    return SimpleNamespace(
        id_=name,
        is_done=end == len(steps.actions),
        get_observations=lambda: {key: array[begin : end + 1] for key, array in steps.observations.items()},
        get_actions=lambda: steps.actions[begin:end],
        get_rewards=lambda: steps.rewards[begin:end],
    )


@pytest.mark.parametrize("cuts", [(10,), (4, 10), (1, 2, 3, 9, 10)])
def test_fragments_make_the_same_transitions_as_the_whole(cuts):
    steps, assemble = episode(10), EpisodeAssembler(3, DISCOUNT)
    made = []
    for begin, end in zip((0, *cuts), cuts, strict=False):
        assert not made, "an episode that goes on has no transitions yet"
        made = assemble([fragment(episode(10), 0, 4, "another"), fragment(steps, begin, end)][begin > 0 :])
    expected = n_step_transitions(steps, 3, DISCOUNT)
    for ours, theirs in zip(made[0], expected, strict=True):
        np.testing.assert_equal(ours, theirs)


def test_the_memory_forgets_the_oldest_first():
    memory = ReplayBuffer(capacity=25, seed=0)
    for start in range(0, 40, 10):
        memory.add(n_step_transitions(episode(10, start), 1, DISCOUNT))
    drawn = memory.sample(1000)
    assert memory.size == 25
    assert set(drawn["actions"]) == set(range(15, 40))
    np.testing.assert_array_equal(drawn["obs"]["tokens"], drawn["actions"])
    np.testing.assert_array_equal(drawn["new_obs"]["tokens"], drawn["actions"] + 1)


def test_the_same_seed_draws_the_same():
    memories = [ReplayBuffer(capacity=100, seed=7) for _ in range(2)]
    for memory in memories:
        memory.add(n_step_transitions(episode(10), 1, DISCOUNT))
    np.testing.assert_array_equal(memories[0].sample(9)["actions"], memories[1].sample(9)["actions"])
