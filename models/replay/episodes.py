"""Whole episodes as what a recurrent Q-network learns from, and a memory of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tree

from models.random_state import read_generator, write_generator
from models.replay.buffer import GENERATOR, flatten_columns, nest_columns
from models.replay.transitions import Steps, n_step_transitions

LENGTHS = "lengths"
"""The name under which the number of steps of each episode is kept, beside the columns."""


class Episode(NamedTuple):
    """An episode of T steps, from its start to its end."""

    obs: Any
    """Arrays of T + 1 rows: one before each step, and the one after the last."""
    actions: np.ndarray
    """int64 [T]."""
    rewards: np.ndarray
    """float32 [T]: discounted sum of the rewards of up to n steps."""
    terminateds: np.ndarray
    """bool [T]: the episode terminated within them."""
    n_step: np.ndarray
    """float32 [T]: how many steps those are; fewer than n at the episode's end."""

    def __len__(self) -> int:  # type: ignore[override]
        return len(self.actions)

    @classmethod
    def of(cls, steps: Steps, n: int, discount: float, *, terminated: bool) -> Episode:
        """With the n-step returns that `n_step_transitions` defines."""
        made = n_step_transitions(steps, n, discount, done=True, terminated=terminated)
        return cls(steps.observations, made.actions, made.rewards, made.terminateds, made.n_step)


class EpisodeCollector:
    """Joins the fragments that environment runners hand out to whole episodes."""

    def __init__(self, n: int, discount: float) -> None:
        self.n = n
        self.discount = discount
        self._unfinished: dict[Any, Steps] = {}

    def __call__(self, fragments: Iterable[Any]) -> list[Episode]:
        """The episodes that these fragments (RLlib's `SingleAgentEpisode`) complete."""
        whole = []
        for fragment in fragments:
            steps = Steps.of(fragment)
            before = self._unfinished.pop(fragment.id_, None)
            if before is not None:
                steps = before.followed_by(steps)
            if fragment.is_done:
                whole.append(Episode.of(steps, self.n, self.discount, terminated=fragment.is_terminated))
            else:
                self._unfinished[fragment.id_] = steps
        return whole


class EpisodeReplay:
    """The last whole episodes, however long each is, and a fair draw from them."""

    def __init__(self, capacity: int, seed: int) -> None:
        """`capacity` is in environment steps."""
        self.capacity = capacity
        self.size = 0
        """Environment steps remembered."""
        self._episodes: deque[Episode] = deque()
        self._rng = np.random.default_rng(seed)

    @property
    def steps_per_row(self) -> float:
        """Mean length of an episode."""
        return self.size / len(self._episodes)

    def add(self, episodes: Sequence[Episode]) -> None:
        """Remember them, and forget the oldest ones as long as there are too many steps; never the newest."""
        self._episodes.extend(episodes)
        self.size += sum(map(len, episodes))
        while self.size > self.capacity and len(self._episodes) > 1:
            self.size -= len(self._episodes.popleft())

    def sample(self, count: int) -> dict[str, Any]:
        """`count` episodes, each as likely as any other, as the columns [count, time] of a training batch.

        Shorter ones are padded with zeros behind their end; `loss_mask` bool [count, time] is true where a step was
        played. Observations [count, time + 1] have one more.
        """
        drawn = [self._episodes[row] for row in self._rng.integers(len(self._episodes), size=count)]
        lengths = np.array([len(episode) for episode in drawn])
        batch: dict[str, Any] = tree.map_structure(_padded, *(episode._asdict() for episode in drawn))
        return batch | {"loss_mask": np.arange(lengths.max()) < lengths[:, None]}

    def state(self) -> dict[str, np.ndarray]:
        """Its episodes one behind the other, oldest first, and the generator of its draws."""
        state = {
            GENERATOR: read_generator(self._rng),
            LENGTHS: np.array([len(one) for one in self._episodes], np.int64),
        }
        if self._episodes:
            columns = tree.map_structure(
                lambda *arrays: np.concatenate(arrays), *(one._asdict() for one in self._episodes)
            )
            state |= flatten_columns(columns)
        return state

    def set_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Hold what `state` returned, or the newest part of it that fits."""
        self._episodes.clear()
        self.size = 0
        columns = nest_columns({name: array for name, array in state.items() if name not in (GENERATOR, LENGTHS)})
        begin = 0
        for row, length in enumerate(state[LENGTHS]):
            end = begin + int(length)
            obs = tree.map_structure(lambda array: array[begin + row : end + row + 1].copy(), columns["obs"])  # noqa: B023
            steps = {name: array[begin:end].copy() for name, array in columns.items() if name != "obs"}
            self.add([Episode(obs=obs, **steps)])
            begin = end
        write_generator(self._rng, state[GENERATOR])


def _padded(*arrays: np.ndarray) -> np.ndarray:
    """Stacked, with zeros behind those that are shorter than the longest."""
    longest = max(map(len, arrays))
    stacked = np.zeros((len(arrays), longest, *arrays[0].shape[1:]), arrays[0].dtype)
    for row, array in zip(stacked, arrays, strict=True):
        row[: len(array)] = array
    return stacked
