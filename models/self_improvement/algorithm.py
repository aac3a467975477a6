"""Playing, remembering and learning in turns, as DQN does; what is remembered are steps of the best episodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np
import tree
from ray.rllib.algorithms.dqn import DQNConfig

from models.replay.buffer import ReplayBuffer
from models.replay.dqn import ReplayDQN
from models.self_improvement.runner import PLANNED


class Shown(NamedTuple):
    """Steps to be imitated; every array has one row for each."""

    obs: Any
    actions: np.ndarray
    """int64"""
    value_targets: np.ndarray
    """float32: the rewards from there to the episode's end, undiscounted."""

    def last(self, count: int) -> Shown:
        """The last `count` of them."""
        return Shown(*(tree.map_structure(lambda array: array[-count:], field) for field in self))


class ShownCollector:
    """Keeps the fragments that environment runners hand out until their episodes have ended: then returns are known."""

    def __init__(self) -> None:
        self._unfinished: dict[Any, list[Any]] = {}

    def __call__(self, fragments: Iterable[Any]) -> Shown | None:
        """The steps to be imitated of the episodes that these fragments (RLlib's `SingleAgentEpisode`) complete; None
        where there is none."""
        made = []
        for fragment in fragments:
            parts = [*self._unfinished.pop(fragment.id_, []), fragment]
            if fragment.is_done:
                made.append(_shown(parts))
            else:
                self._unfinished[fragment.id_] = parts
        joined = tree.map_structure(lambda *arrays: np.concatenate(arrays), *made) if made else None
        return joined if joined is not None and len(joined.actions) else None


def _shown(parts: list[Any]) -> Shown:
    """Of one episode, its fragments in order."""
    rewards = np.concatenate([part.get_rewards() for part in parts]).astype(np.float32)
    planned = np.concatenate([part.get_extra_model_outputs(PLANNED) for part in parts]) > 0
    observed = tree.map_structure(
        lambda *arrays: np.concatenate(arrays)[planned],
        *(part.get_observations(slice(0, len(part))) for part in parts),
    )
    actions = np.concatenate([part.get_actions() for part in parts]).astype(np.int64)
    return Shown(observed, actions[planned], np.cumsum(rewards[::-1])[::-1][planned])


class SelfImprovement(ReplayDQN):
    """See the package. `training_intensity` is how often each remembered step is learnt from."""

    def make_memory(self) -> tuple[Any, Any]:
        config = self.config
        return ShownCollector(), ReplayBuffer(config.replay_buffer_config["capacity"], config.seed or 0, Shown)


class SelfImprovementConfig(DQNConfig):
    """RLlib's configuration of it: that of DQN, whose settings of values and targets mean nothing here."""

    def __init__(self, algo_class: type | None = None) -> None:
        super().__init__(algo_class=algo_class or SelfImprovement)  # type: ignore[no-untyped-call]
        self.episodes_together = 64
        self.value_weight = 0.5
        self.averaged_over = 500.0

    def training(
        self, *, episodes_together: int = 64, value_weight: float = 0.5, averaged_over: float = 500.0, **kwargs: Any
    ) -> Self:
        """Besides DQN's: the episodes sampled of each benchmark, the weight of the critic's loss, and the updates over
        which the acting network's weights are averaged."""
        super().training(**kwargs)
        self.episodes_together, self.value_weight, self.averaged_over = episodes_together, value_weight, averaged_over
        return self
