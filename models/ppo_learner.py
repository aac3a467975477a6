"""PPO's learner with advantages that are standardised over what was played, and nothing else."""

from __future__ import annotations

from typing import Any

from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing

SMALLEST_DEVIATION = 1e-4
"""Advantages that differ by less than this are all the same; dividing by less would make noise of them."""


class PlayedStepsPPOLearner(PPOTorchLearner):
    """RLlib 2.60 appends a step to each episode to hold the value after it, and standardises over these as well.

    Those values are of no action and were never trained. In episodes of ten steps they are a tenth of the batch, and
    shift every advantage by a fifth of a standard deviation, which makes all actions look worse than they are.
    """

    def compute_loss_for_module(self, *, batch: dict[str, Any], **kwargs: Any) -> Any:
        advantages = batch[Postprocessing.ADVANTAGES]
        played = advantages[batch[Columns.LOSS_MASK]] if Columns.LOSS_MASK in batch else advantages
        deviation = played.std(unbiased=False).clamp(min=SMALLEST_DEVIATION)
        standard = (advantages - played.mean()) / deviation
        loss: Any = super().compute_loss_for_module(batch={**batch, Postprocessing.ADVANTAGES: standard}, **kwargs)
        return loss
