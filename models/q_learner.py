"""The loss of double Q-learning from replayed transitions (van Hasselt et al., 2016; Mnih et al., 2015)."""

from __future__ import annotations

from typing import Any

import torch
from ray.rllib.algorithms.dqn.dqn_learner import (
    QF_LOSS_KEY,
    QF_MEAN_KEY,
    QF_NEXT_PREDS,
    QF_PREDS,
    QF_TARGET_NEXT_PREDS,
    TD_ERROR_MEAN_KEY,
)
from ray.rllib.algorithms.dqn.torch.dqn_torch_learner import DQNTorchLearner
from ray.rllib.core.columns import Columns
from torch import Tensor

from models.replay.transitions import N_STEP


class QLearner(DQNTorchLearner):
    """RLlib's DQN learner with another loss.

    RLlib 2.60's turns values that are no numbers into numbers, which hides a divergence, and multiplies the value
    after an episode's end by zero, which leaves those of a mask that allows nothing there in its gradients.
    """

    config: Any
    metrics: Any
    td_errors: Tensor
    """float32 [batch]: absolute errors of the last update, in the order of its batch."""

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        """Huber or squared TD errors, weighted by the batch's `weights` and averaged."""
        taken = fwd_out[QF_PREDS].gather(-1, batch[Columns.ACTIONS].long().unsqueeze(-1)).squeeze(-1)
        target = td_target(batch, fwd_out, config.gamma, double=config.double_q)
        criterion = (
            torch.nn.functional.huber_loss if config.td_error_loss_fn == "huber" else torch.nn.functional.mse_loss
        )
        loss: Tensor = (batch["weights"] * criterion(taken, target, reduction="none")).mean()
        self.td_errors = (taken - target).detach().abs()
        self.report(module_id, loss.detach(), taken.detach())
        return loss

    def report(self, module_id: str, loss: Tensor, taken: Tensor) -> None:
        """Log the figures of one update."""
        figures = {QF_LOSS_KEY: loss, QF_MEAN_KEY: taken.mean(), TD_ERROR_MEAN_KEY: self.td_errors.mean()}
        self.metrics.log_dict(figures, key=module_id, window=1)


class RecurrentQLearner(QLearner):
    """The same loss of whole episodes: the mean over the steps that were played, without the padding behind them."""

    def compute_loss_for_module(
        self, *, module_id: str, config: Any, batch: dict[str, Any], fwd_out: dict[str, Any]
    ) -> Tensor:
        """The columns are [batch, time]; `loss_mask` is true where a step was played."""
        played = batch[Columns.LOSS_MASK]
        steps = {name: batch[name][played] for name in (Columns.ACTIONS, Columns.REWARDS, Columns.TERMINATEDS, N_STEP)}
        return super().compute_loss_for_module(
            module_id=module_id,
            config=config,
            batch=steps | {"weights": torch.ones_like(steps[Columns.REWARDS])},
            fwd_out={name: values[played] for name, values in fwd_out.items()},
        )


def td_target(batch: dict[str, Any], fwd_out: dict[str, Tensor], discount: float, *, double: bool) -> Tensor:
    """float32 [batch]: R + discount^n Q'(new_obs, a*) without a gradient, Q' the target network.

    a* is the online network's best action if `double`, otherwise the target network's. Masks are in the networks'
    values already.
    """
    target_values = fwd_out[QF_TARGET_NEXT_PREDS].detach()
    chooser = fwd_out[QF_NEXT_PREDS].detach() if double else target_values
    after = target_values.gather(-1, chooser.argmax(-1, keepdim=True)).squeeze(-1)
    after = torch.where(batch[Columns.TERMINATEDS].bool(), 0.0, after)
    target: Tensor = batch[Columns.REWARDS] + discount ** batch[N_STEP] * after
    return target
