"""The loss of imitation, with a critic beside it."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY
from ray.rllib.core.learner.torch.torch_learner import TorchLearner
from ray.rllib.evaluation.postprocessing import Postprocessing
from torch import Tensor


class ImitationLearner(TorchLearner):
    """Cross-entropy of the actions that the best episodes took (Pirnay and Grimm, 2024).

    The critic learns what these episodes still won, in the mean of squares. Nothing depends on it here; it is what
    tools show as the expected gain.
    """

    config: Any
    metrics: Any
    module: Any

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        log_probabilities = torch.log_softmax(fwd_out[Columns.ACTION_DIST_INPUTS], dim=-1)
        taken = log_probabilities.gather(-1, batch[Columns.ACTIONS].long().unsqueeze(-1))
        entropy = -(log_probabilities.exp() * log_probabilities).sum(-1)
        values = self.module[module_id].unwrapped().compute_values(batch)
        imitation, critic = -taken.mean(), torch.nn.functional.mse_loss(values, batch[Postprocessing.VALUE_TARGETS])
        figures = {POLICY_LOSS_KEY: imitation, VF_LOSS_KEY: critic, ENTROPY_KEY: entropy.mean()}
        self.metrics.log_dict({name: value.detach() for name, value in figures.items()}, key=module_id, window=1)
        loss: Tensor = imitation + config.value_weight * critic
        return loss

    def after_gradient_based_update(self, *, timesteps: dict[str, Any]) -> None:
        super().after_gradient_based_update(timesteps=timesteps)  # type: ignore[no-untyped-call]
        self.module[DEFAULT_MODULE_ID].unwrapped().average(self.config.averaged_over)
