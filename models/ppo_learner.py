"""PPO's learner with advantages that are standardised over what was played, and nothing else."""

from __future__ import annotations

from typing import Any

from ray.rllib.algorithms.ppo.torch.ppo_torch_learner import PPOTorchLearner
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing
from torch import Tensor

BETAS = "betas"
"""Where the learner's configuration has those of Adam."""
SMALLEST_DEVIATION = 1e-4
"""Advantages that differ by less than this are all the same; dividing by less would make noise of them."""


def standardised(advantages: Tensor, played: Tensor) -> Tensor:
    """`advantages` [steps] with mean 0 and deviation 1 over the steps that were `played` (bool)."""
    counting = advantages[played]
    deviation = counting.std(unbiased=False).clamp(min=SMALLEST_DEVIATION)
    standard: Tensor = (advantages - counting.mean()) / deviation
    return standard


class PlayedStepsPPOLearner(PPOTorchLearner):
    """RLlib 2.60 appends a step to each episode to hold the value after it, and standardises over these as well.

    Those values are of no action and were never trained. In episodes of ten steps they are a tenth of the batch, and
    shift every advantage by a fifth of a standard deviation, which makes all actions look worse than they are.
    """

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        super().configure_optimizers_for_module(module_id, config)
        for group in self.get_optimizer(module_id).param_groups:
            group["betas"] = tuple(self.config.learner_config_dict[BETAS])

    def compute_loss_for_module(self, *, batch: dict[str, Any], **kwargs: Any) -> Any:
        advantages = batch[Postprocessing.ADVANTAGES]
        played = batch.get(Columns.LOSS_MASK, advantages.new_ones(len(advantages), dtype=bool))
        standard = standardised(advantages, played)
        loss: Any = super().compute_loss_for_module(batch={**batch, Postprocessing.ADVANTAGES: standard}, **kwargs)
        return loss
