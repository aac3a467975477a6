"""Epsilon-greedy actions from a Q-network, legal ones only, with the values that replay priorities are made of."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from ray.rllib.algorithms.dqn.default_dqn_rl_module import QF_NEXT_PREDS, QF_PREDS, QF_TARGET_NEXT_PREDS
from ray.rllib.algorithms.dqn.torch.default_dqn_torch_rl_module import DefaultDQNTorchRLModule
from ray.rllib.core.columns import Columns
from ray.rllib.core.models.base import ENCODER_OUT
from torch import Tensor

from models.replay.transitions import Q_BEST, Q_TAKEN

Batch = dict[str, Any]


class EpsilonGreedyQ(DefaultDQNTorchRLModule):
    """RLlib's Q-module, which any observation that RLlib's catalogue has an encoder for can use as it is.

    RLlib's own draws exploring actions from whatever has a non-zero value, legal or not, tracks gradients while
    acting, and sends the next states through the backward pass, too. All three are replaced here.
    """

    epsilon_schedule: Any

    def _qf_forward_helper(self, batch: Batch, encoder: Any, head: Any) -> Batch:
        """RLlib's, without turning values that are no numbers into numbers."""
        features = encoder(batch)[ENCODER_OUT]
        if not self.uses_dueling:
            return {QF_PREDS: head(features)}
        advantage = head["af"](features)
        return {QF_PREDS: head["vf"](features) + advantage - advantage.mean(-1, keepdim=True)}

    def train(self, mode: bool = True) -> Self:
        """As usual, but for nothing when nothing changes: RLlib calls this before every forward pass."""
        return self if self.training == mode else super().train(mode)

    def legal_actions(self, batch: Batch, values: Tensor) -> Tensor:
        """bool or float [batch, actions]: which actions exploration may draw. All of them, unless a mask says else."""
        return torch.ones_like(values)

    def epsilon_at(self, t: int) -> float:
        """The schedule's value after `t` environment steps."""
        self.epsilon_schedule.update(t)
        return float(self.epsilon_schedule.get_current_value())

    @torch.no_grad()
    def _forward_inference(self, batch: Batch, **kwargs: Any) -> Batch:
        output = self.compute_q_values(batch)
        best, greedy = output.pop(QF_PREDS).max(-1)
        return {Columns.ACTIONS: greedy, Q_TAKEN: best, Q_BEST: best, **output}

    @torch.no_grad()
    def _forward_exploration(self, batch: Batch, t: int = 0, epsilon: np.ndarray | None = None, **kwargs: Any) -> Batch:
        """With probability epsilon any legal action, otherwise the best; a recurrent module's state goes along.

        `epsilon`: float32 [batch], one for each row; without it the schedule's value after `t` environment steps.
        """
        output = self.compute_q_values(batch)
        values: Any = output.pop(QF_PREDS)
        best, greedy = values.max(-1)
        share = torch.as_tensor(self.epsilon_at(t) if epsilon is None else epsilon, device=greedy.device)
        explore = torch.rand(len(greedy), device=greedy.device) < share
        # Most environments hardly ever explore, and the draw takes as long as a small network.
        if not explore.any():
            return {Columns.ACTIONS: greedy, Q_TAKEN: best, Q_BEST: best, **output}
        drawn = torch.multinomial(self.legal_actions(batch, values).float(), 1).squeeze(-1)
        actions = torch.where(explore, drawn, greedy)
        taken = values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
        return {Columns.ACTIONS: actions, Q_TAKEN: taken, Q_BEST: best, **output}

    def _forward_train(self, batch: Batch, **kwargs: Any) -> Batch:
        """Values of `obs` with a gradient, and of `new_obs` from both networks without one."""
        following = {Columns.OBS: batch[Columns.NEXT_OBS]}
        output = {QF_PREDS: self.compute_q_values({Columns.OBS: batch[Columns.OBS]})[QF_PREDS]}
        with torch.no_grad():
            output[QF_TARGET_NEXT_PREDS] = self.forward_target(following)[QF_PREDS]
            if self.uses_double_q:
                output[QF_NEXT_PREDS] = self.compute_q_values(following)[QF_PREDS]
        return output
