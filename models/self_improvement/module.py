"""The module that learns by imitation: one network is trained, and the running average of it plays."""

from __future__ import annotations

import copy
from typing import Any

import torch
from ray.rllib.core.columns import Columns
from ray.rllib.core.rl_module.apis import InferenceOnlyAPI
from torch import Tensor

from models.exploration import Batch
from models.rl_modules import MaskedActorCritic

WARM_UP = 10
"""Updates after which the average begins to lag behind."""


class AveragedActorCritic(MaskedActorCritic, InferenceOnlyAPI):
    """What plays, and what becomes the policy, is an average of the weights that were learnt, the latest most.

    Single updates are noisy: greedy episodes of larger graphs than were trained on become 3 to 15 % longer or shorter
    from one to the next, and the average is better than nearly all of them (Polyak averaging).
    """

    def setup(self) -> None:
        super().setup()
        self._learnt = copy.deepcopy(self.network)
        self.network.requires_grad_(False)
        self.register_buffer("_updates", torch.zeros(()))

    def get_non_inference_attributes(self) -> list[str]:
        return ["_learnt", "_updates"]

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        return {Columns.ACTION_DIST_INPUTS: self._learnt.logits(batch[Columns.OBS])}

    def compute_values(self, batch: Batch, embeddings: Any = None) -> Tensor:
        return self._learnt.value(batch[Columns.OBS])

    @torch.no_grad()
    def average(self, over: float) -> None:
        """Take the learnt weights into the average, which forgets them after about `over` updates."""
        self._updates += 1
        weight = max(1 / over, WARM_UP / (WARM_UP + float(self._updates)))
        for mean, learnt in zip(self.network.parameters(), self._learnt.parameters(), strict=True):
            mean.lerp_(learnt, weight)
