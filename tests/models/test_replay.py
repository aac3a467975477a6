"""Transitions against a direct evaluation of their definition, and a memory that forgets the oldest first."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import tree

from models.replay.buffer import ReplayBuffer
from models.replay.prioritized import PrioritizedReplay
from models.replay.transitions import EpisodeAssembler, Steps, Transitions, n_step_transitions

DISCOUNT = 0.9


def episode(length: int, start: int = 0) -> Steps:
    rows = np.arange(start, start + length + 1, dtype=np.float32)
    rng = np.random.default_rng(length)
    rewards, q_taken, gap = rng.random((3, length)).astype(np.float32)
    return Steps({"tokens": rows}, np.arange(start, start + length), rewards, q_taken, q_taken + gap)


def whole(steps: Steps, n: int, terminated: bool = True) -> Transitions:
    return n_step_transitions(steps, n, DISCOUNT, done=True, terminated=terminated)


@pytest.mark.parametrize("n", [1, 3, 5])
@pytest.mark.parametrize("length", [1, 2, 3, 10])
@pytest.mark.parametrize("terminated", [True, False])
def test_every_step_of_an_episode_is_the_start_of_one_transition(length, n, terminated):
    steps = episode(length)
    made = whole(steps, n, terminated)
    assert len(made) == length
    for start in range(length):
        end = min(start + n, length)
        total = sum(DISCOUNT ** (t - start) * steps.rewards[t] for t in range(start, end))
        assert made.rewards[start] == pytest.approx(total, rel=1e-6)
        assert made.obs["tokens"][start] == start and made.new_obs["tokens"][start] == end
        assert made.terminateds[start] == (terminated and end == length)
        assert made.n_step[start] == end - start
        after = 0.0 if made.terminateds[start] else steps.q_best[min(end, length - 1)]
        error = total + DISCOUNT ** (end - start) * after - steps.q_taken[start]
        assert made.priorities[start] == pytest.approx(abs(error), rel=1e-5)


def test_observations_may_be_plain_arrays_or_nested():
    for observations in (np.arange(4.0), {"a": {"b": np.arange(4.0)}, "c": np.ones((4, 2))}):
        steps = episode(3)._replace(observations=observations)
        memory = PrioritizedReplay(capacity=9, seed=0, alpha=1, beta=1)
        memory.add(whole(steps, 2))
        tree.assert_same_structure(memory.sample(2)["new_obs"], observations)
        assert len(memory.arrays()["actions"]) == 3
        memory.add_arrays(memory.arrays())
        assert memory.size == 6


def fragment(steps: Steps, begin: int, end: int, name: str = "a", terminated: bool = True) -> SimpleNamespace:
    """What RLlib's environment runner hands out for a part of an episode."""
    return SimpleNamespace(
        id_=name,
        is_done=end == len(steps.actions),
        is_terminated=terminated and end == len(steps.actions),
        get_observations=lambda: {key: array[begin : end + 1] for key, array in steps.observations.items()},
        get_actions=lambda: steps.actions[begin:end],
        get_rewards=lambda: steps.rewards[begin:end],
        get_extra_model_outputs=lambda name: getattr(steps, name)[begin:end],
    )


@pytest.mark.parametrize("cuts", [(10,), (4, 10), (1, 2, 3, 9, 10)])
@pytest.mark.parametrize("terminated", [True, False])
def test_fragments_make_the_same_transitions_as_the_whole(cuts, terminated):
    steps, assemble = episode(10), EpisodeAssembler(3, DISCOUNT)
    parts = []
    for begin, end in zip((0, *cuts), cuts, strict=False):
        # The other episode is too short for a transition.
        other = fragment(episode(9), 0, 3, "another")
        parts.append(assemble([other, fragment(steps, begin, end, terminated=terminated)][begin > 0 :]))
        assert sum(len(part) for part in parts if part) == (10 if end == 10 else max(end - 3, 0))
    made = Transitions.joined([part for part in parts if part is not None])
    for ours, theirs in zip(made, whole(steps, 3, terminated), strict=True):
        np.testing.assert_equal(ours, theirs)


def test_the_memory_forgets_the_oldest_first():
    memory = ReplayBuffer(capacity=25, seed=0)
    for start in range(0, 40, 10):
        memory.add(whole(episode(10, start), 1))
    drawn = memory.sample(1000)
    assert memory.size == 25
    assert set(drawn["actions"]) == set(range(15, 40))
    np.testing.assert_array_equal(drawn["obs"]["tokens"], drawn["actions"])
    np.testing.assert_array_equal(drawn["new_obs"]["tokens"], drawn["actions"] + 1)


def test_the_same_seed_draws_the_same():
    memories = [ReplayBuffer(capacity=100, seed=7) for _ in range(2)]
    for memory in memories:
        memory.add(whole(episode(10), 1))
    np.testing.assert_array_equal(memories[0].sample(9)["actions"], memories[1].sample(9)["actions"])


def test_a_memory_comes_back_in_its_order_and_draws_the_same():
    memory = ReplayBuffer(8, seed=0)
    for start in (0, 5, 10):
        memory.add(whole(episode(5, start), 1))
    memory.sample(3)
    state = memory.state()
    assert state["actions"].tolist() == [7, 8, 9, 10, 11, 12, 13, 14]
    same, twin, smaller = ReplayBuffer(20, seed=1), ReplayBuffer(20, seed=2), ReplayBuffer(3, seed=1)
    for other in (same, twin, smaller):
        other.set_state(state)
    assert same.sample(6)["actions"].tolist() == twin.sample(6)["actions"].tolist()
    assert set(same.sample(200)["actions"].tolist()) == set(range(7, 15))
    assert sorted(set(smaller.sample(50)["actions"].tolist())) == [12, 13, 14]
    for other in (same, smaller):
        other.add(whole(episode(1, 99), 1))
    assert sorted(set(smaller.sample(50)["actions"].tolist())) == [13, 14, 99] and same.size == 9
