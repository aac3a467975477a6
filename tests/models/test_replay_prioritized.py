"""Prioritised replay against the formulas of its paper."""

from __future__ import annotations

import numpy as np
import pytest

from models.replay.prioritized import LEAST_PRIORITY, PrioritizedReplay, deal
from models.replay.sum_tree import SumTree
from models.replay.transitions import Transitions


def numbered(first: int, priorities: list[float]) -> Transitions:
    """Transitions whose action is their number."""
    numbers = np.arange(first, first + len(priorities))
    reals = numbers.astype(np.float32)
    return Transitions(reals, reals + 1, numbers, reals, reals > 0, reals, np.array(priorities, np.float32))


@pytest.mark.parametrize("capacity", [1, 2, 7, 64, 100])
def test_the_sum_tree_finds_what_adding_up_finds(capacity):
    rng, tree, weights = np.random.default_rng(capacity), SumTree(capacity), np.zeros(capacity)
    for _ in range(20):
        places = rng.integers(capacity, size=rng.integers(1, 2 * capacity + 1))
        tree[places] = (values := rng.integers(0, 5, size=len(places)).astype(float))
        weights[places] = values
        assert tree.total == weights.sum()
        if tree.total:
            amounts = rng.random(50) * tree.total
            np.testing.assert_array_equal(tree.find(amounts), np.searchsorted(weights.cumsum(), amounts, side="right"))
    np.testing.assert_array_equal(tree[np.arange(capacity)], weights)


def test_rounding_never_leads_to_a_place_without_weight():
    tree = SumTree(5)
    tree[np.arange(5)] = np.array([0.1, 0.2, 0.0, 0.3, 0.0])
    assert tree.find(np.array([tree.total, tree.total * 2])).tolist() == [3, 3]


def test_transitions_are_drawn_in_proportion_to_their_priority():
    replay = PrioritizedReplay(capacity=8, seed=3, alpha=0.5, beta=0.4)
    priorities = np.array([0.0, 1.0, 4.0, 9.0, 0.25, 2.0])
    replay.add(numbered(0, list(priorities)))
    shares = (priorities + LEAST_PRIORITY) ** 0.5
    shares /= shares.sum()
    counts, draws, size = np.zeros(6), 400, 50
    for _ in range(draws):
        counts += np.bincount(replay.sample(size)["actions"], minlength=6)
    # Stratified draws scatter less than independent ones, whose 99.9 % quantile with 5 degrees of freedom is 20.5.
    assert (((counts - draws * size * shares) ** 2) / (draws * size * shares)).sum() < 20.5


def test_importance_weights_undo_the_preference():
    replay = PrioritizedReplay(capacity=8, seed=3, alpha=0.7, beta=0.4)
    priorities = np.array([0.5, 1.0, 4.0, 9.0])
    replay.add(numbered(0, list(priorities)))
    batch = replay.sample(64)
    probability = (priorities + LEAST_PRIORITY) ** 0.7
    probability /= probability.sum()
    weights = (4 * probability[batch["actions"]]) ** -0.4
    np.testing.assert_allclose(batch["weights"], weights / weights.max(), rtol=1e-5)


def test_a_late_priority_never_hits_a_newer_transition():
    replay = PrioritizedReplay(capacity=4, seed=0, alpha=1.0, beta=1.0)
    replay.add(numbered(0, [1, 1, 1, 1]))
    batch = replay.sample(16)
    replay.add(numbered(4, [2, 2]))
    replay.update_priorities(batch["replay_rows"], batch["replay_serials"], np.full(16, 7.0))
    late = batch["actions"] < 2
    assert 0 < late.sum() == replay.stale_writes
    arrays = replay.arrays()
    priorities = dict(zip(arrays["actions"], arrays["priorities"], strict=True))
    assert set(batch["actions"][~late]) == {2, 3}
    assert priorities == {2: 7.0, 3: 7.0, 4: 2.0, 5: 2.0}


def test_a_restarted_replay_takes_no_priority_meant_for_the_one_before():
    old, new = (PrioritizedReplay(4, 0, 1.0, 1.0, first_serial=serial) for serial in (0, 1000))
    for replay in (old, new):
        replay.add(numbered(0, [1, 1, 1, 1]))
    batch = old.sample(8)
    new.update_priorities(batch["replay_rows"], batch["replay_serials"], np.full(8, 7.0))
    assert new.stale_writes == 8 and new.mean_priority == 1.0


def test_age_counts_what_was_written_since():
    replay = PrioritizedReplay(capacity=10, seed=0, alpha=1.0, beta=1.0)
    replay.add(numbered(0, [1] * 5))
    serials = replay.sample(1)["replay_serials"]
    age = replay.age(serials)
    replay.add(numbered(5, [1] * 3))
    assert replay.age(serials) == age + 3


def test_more_than_fits_keeps_the_last():
    replay = PrioritizedReplay(capacity=4, seed=0, alpha=1.0, beta=1.0)
    replay.add(numbered(0, [1] * 11))
    assert replay.arrays()["actions"].tolist() == [7, 8, 9, 10]


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_what_was_written_out_can_be_dealt_to_another_number_of_shards(shards):
    replay = PrioritizedReplay(capacity=10, seed=0, alpha=0.6, beta=1.0)
    replay.add(numbered(0, [0.5 * number for number in range(14)]))
    others = [PrioritizedReplay(10, 0, 0.6, 1.0) for _ in range(shards)]
    for other, arrays in zip(others, deal(replay.arrays(), shards), strict=True):
        other.add_arrays(arrays)
    kept = {}
    for other in others:
        arrays = other.arrays()
        assert (np.diff(arrays["actions"]) > 0).all(), "oldest first"
        kept |= dict(zip(arrays["actions"].tolist(), arrays["priorities"].tolist(), strict=True))
    assert kept == {number: 0.5 * number for number in range(4, 14)}


def test_a_priority_that_is_no_number_is_refused():
    replay = PrioritizedReplay(capacity=10, seed=0, alpha=0.6, beta=1.0)
    with pytest.raises(ValueError, match="diverged"):
        replay.add(numbered(0, [1.0, float("nan")]))
