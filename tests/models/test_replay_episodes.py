"""Whole episodes out of fragments, and a memory that pads, forgets and comes back."""

from __future__ import annotations

import numpy as np
import pytest

from models.replay.episodes import Episode, EpisodeCollector, EpisodeReplay
from models.replay.transitions import Steps
from tests.models.test_replay import DISCOUNT, episode, fragment


def whole(steps: Steps, n: int, terminated: bool = True, discount: float = DISCOUNT) -> Episode:
    return Episode.of(steps, n, discount, terminated=terminated)


def filled(capacity: int, lengths: tuple[int, ...]) -> EpisodeReplay:
    """Its i-th episode begins with the observation 100 i."""
    replay = EpisodeReplay(capacity, seed=0)
    replay.add([whole(episode(length, 100 * row), 3) for row, length in enumerate(lengths)])
    return replay


@pytest.mark.parametrize("n", [1, 3, 5])
@pytest.mark.parametrize("length", [1, 2, 10])
@pytest.mark.parametrize("terminated", [True, False])
def test_each_step_has_its_n_step_return(length, n, terminated):
    steps = episode(length)
    made = whole(steps, n, terminated)
    assert len(made) == length and len(made.obs["tokens"]) == length + 1
    for start in range(length):
        end = min(start + n, length)
        total = sum(DISCOUNT ** (t - start) * steps.rewards[t] for t in range(start, end))
        assert made.rewards[start] == pytest.approx(total, rel=1e-6)
        assert made.n_step[start] == end - start
        assert made.terminateds[start] == (terminated and end == length)


@pytest.mark.parametrize("cuts", [(10,), (4, 10), (1, 2, 3, 9, 10)])
@pytest.mark.parametrize("terminated", [True, False])
def test_fragments_make_the_episode_that_was_played(cuts, terminated):
    steps, collect = episode(10), EpisodeCollector(3, DISCOUNT)
    made = []
    for begin, end in zip((0, *cuts), cuts, strict=False):
        # The other episode does not end.
        other = fragment(episode(9), 0, 3, "another")
        made += collect([other, fragment(steps, begin, end, terminated=terminated)][begin > 0 :])
        assert len(made) == (end == 10)
    np.testing.assert_equal(made[0]._asdict(), whole(steps, 3, terminated)._asdict())


def test_shorter_episodes_are_padded_behind_their_end():
    replay = filled(100, (2, 5, 3))
    assert replay.size == 10 and replay.steps_per_row == pytest.approx(10 / 3)
    batch = replay.sample(200)
    lengths = batch["loss_mask"].sum(1)
    assert set(lengths) == {2, 3, 5} and batch["loss_mask"].shape == (200, 5)
    assert batch["obs"]["tokens"].shape == (200, 6)
    for row, length in enumerate(lengths):
        begin = batch["obs"]["tokens"][row, 0]
        np.testing.assert_array_equal(batch["loss_mask"][row], np.arange(5) < length)
        np.testing.assert_array_equal(batch["actions"][row, :length], begin + np.arange(length))
        np.testing.assert_array_equal(batch["obs"]["tokens"][row, : length + 1], begin + np.arange(length + 1))
        assert not batch["actions"][row, length:].any() and not batch["obs"]["tokens"][row, length + 1 :].any()
    counts = np.bincount(lengths)[[2, 3, 5]]
    assert counts.min() > 40, "each episode is as likely as any other"


def test_the_oldest_episodes_are_forgotten_first_and_the_newest_never():
    replay = filled(12, (5, 5, 5, 2))
    assert set(replay.sample(100)["obs"]["tokens"][:, 0]) == {100, 200, 300} and replay.size == 12
    replay.add([whole(episode(40, 900), 3)])
    assert set(replay.sample(100)["obs"]["tokens"][:, 0]) == {900} and replay.size == 40


def test_a_memory_comes_back_in_its_order_and_draws_the_same():
    replay = filled(100, (2, 5, 3))
    replay.sample(3)
    state = replay.state()
    twin, smaller = EpisodeReplay(100, seed=9), EpisodeReplay(8, seed=9)
    for other in (twin, smaller):
        other.set_state(state)
    assert twin.size == 10 and smaller.size == 8
    assert set(smaller.sample(50)["obs"]["tokens"][:, 0]) == {100, 200}
    np.testing.assert_equal(twin.sample(7), replay.sample(7))


def test_an_empty_memory_comes_back_empty():
    replay = filled(100, (4,))
    replay.set_state(EpisodeReplay(100, seed=1).state())
    assert replay.size == 0
