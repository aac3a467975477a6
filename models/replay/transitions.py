"""Episodes as n-step transitions, the last steps of each included.

RLlib 2.60's own buffer never starts an n-step return in an episode's last n - 1 steps. In an episode of ten steps
those are the states that all other values are estimated from, and it would leave them untrained.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from rllib_envs.tuning_env import PolicyInput


class Steps(NamedTuple):
    """A stretch of one episode of T steps."""

    observations: PolicyInput
    """Arrays of T + 1 rows: one before each step, and the one after the last."""
    actions: np.ndarray
    """int64 [T]."""
    rewards: np.ndarray
    """float32 [T]."""

    def followed_by(self, later: Steps) -> Steps:
        """The two stretches as one; `later` begins with the observation that this one ends with."""
        observations = {
            name: np.concatenate([array[:-1], later.observations[name]]) for name, array in self.observations.items()
        }
        actions, rewards = np.append(self.actions, later.actions), np.append(self.rewards, later.rewards)
        return Steps(observations, actions, rewards)


class Transitions(NamedTuple):
    """What a Q-network learns from; every array has one row for each transition."""

    obs: PolicyInput
    new_obs: PolicyInput
    """The state up to n steps later."""
    actions: np.ndarray
    rewards: np.ndarray
    """float32: discounted sum of the rewards between the two states."""
    terminateds: np.ndarray
    """bool: the episode ended between them, so nothing is to be expected of `new_obs`."""
    n_step: np.ndarray
    """float32: the number of steps between them; fewer than n at the end of an episode."""

    def __len__(self) -> int:  # type: ignore[override]
        return len(self.actions)


def n_step_transitions(steps: Steps, n: int, discount: float) -> Transitions:
    """One transition from each step of a whole episode that terminated."""
    length = len(steps.actions)
    start = np.arange(length)
    end = np.minimum(start + n, length)
    padded = np.append(steps.rewards, np.zeros(n, np.float32))
    rewards = sum((discount**k * padded[start + k] for k in range(n)), np.zeros(length))
    return Transitions(
        obs={name: array[start] for name, array in steps.observations.items()},
        new_obs={name: array[end] for name, array in steps.observations.items()},
        actions=steps.actions,
        rewards=rewards.astype(np.float32),
        terminateds=end == length,
        n_step=(end - start).astype(np.float32),
    )


class EpisodeAssembler:
    """Joins the fragments that environment runners hand out until each episode is whole."""

    def __init__(self, n: int, discount: float) -> None:
        self.n = n
        self.discount = discount
        self._unfinished: dict[str, Steps] = {}

    def __call__(self, fragments: Iterable[Any]) -> list[Transitions]:
        """The transitions of every episode that ends in these fragments (RLlib's `SingleAgentEpisode`)."""
        finished = []
        for fragment in fragments:
            steps = Steps(
                observations=fragment.get_observations(),
                actions=np.asarray(fragment.get_actions(), np.int64),
                rewards=np.asarray(fragment.get_rewards(), np.float32),
            )
            before = self._unfinished.pop(fragment.id_, None)
            if before is not None:
                steps = before.followed_by(steps)
            if fragment.is_done:
                finished.append(n_step_transitions(steps, self.n, self.discount))
            else:
                self._unfinished[fragment.id_] = steps
        return finished
