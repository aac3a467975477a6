"""The learners of IMPALA and APPO: RLlib's, with another loss, and without threads."""

from __future__ import annotations

from typing import Any

import ray
import torch
from ray.rllib.algorithms.appo.torch.appo_torch_learner import APPOTorchLearner
from ray.rllib.algorithms.impala.torch.impala_torch_learner import IMPALATorchLearner
from ray.rllib.core import COMPONENT_RL_MODULE
from ray.rllib.core.columns import Columns
from ray.rllib.core.learner.learner import ENTROPY_KEY, POLICY_LOSS_KEY, VF_LOSS_KEY, Learner
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.core.rl_module.apis import TARGET_NETWORK_ACTION_DIST_INPUTS
from torch import Tensor

from models.ppo_learner import standardised
from models.vtrace.targets import v_trace

Batch = dict[str, Any]
LARGEST_RATIO = 2.0
"""Most that the runner's probability of an action counts over the target's (Luo et al., 2020, section 3.2)."""


class IMPALALearner(IMPALATorchLearner):
    """Learns when it is told to, before `update` returns.

    RLlib's own hands batches to a thread, which learns while the caller writes a checkpoint, and draws them at random.
    Here the learner lives in the process that hands out the batches, and would only compete with it.
    """

    def build(self) -> None:
        super().build()
        super().shutdown()  # ends the thread, and nothing else

    def shutdown(self) -> None:
        """There is nothing left to end."""

    def update(  # type: ignore[override]  # RLlib's takes the data in eight more forms, which IMPALA does not use
        self,
        training_data: TrainingData,
        *,
        timesteps: dict[str, Any],
        return_state: bool = False,
        num_epochs: int = 1,
        **kwargs: Any,
    ) -> dict[str, Any]:
        training_data.solve_refs()  # type: ignore[no-untyped-call]
        batch = self._make_batch_if_necessary(training_data=training_data)  # type: ignore[no-untyped-call]
        for _ in range(num_epochs):
            Learner.update(self, training_data=TrainingData(batch=batch), timesteps=timesteps, _no_metrics_reduce=True)
        result: dict[str, Any] = self.metrics.reduce()
        if return_state and self._rank == 0:
            state = self.get_state(components=COMPONENT_RL_MODULE, inference_only=True)
            result["_rl_module_state_after_update"] = {
                **state,
                COMPONENT_RL_MODULE: ray.put(state[COMPONENT_RL_MODULE]),
            }
        return result

    def compute_loss_for_module(self, *, module_id: str, config: Any, batch: Batch, fwd_out: Batch) -> Tensor:
        policy = self._policy(module_id, fwd_out[Columns.ACTION_DIST_INPUTS])
        log_now = policy.logp(batch[Columns.ACTIONS])
        values = self._values(module_id, batch)
        targets, advantages = self._targets(config, batch, log_now, values)
        gain = advantages * log_now
        return self._loss(module_id, config, batch, gain, values - targets, policy.entropy())

    def _policy(self, module_id: str, logits: Tensor) -> Any:
        return self._module_of(module_id).get_train_action_dist_cls().from_logits(logits)

    def _module_of(self, module_id: str) -> Any:
        return self.module[module_id].unwrapped()

    def _values(self, module_id: str, batch: Batch) -> Tensor:
        values: Tensor = self._module_of(module_id).compute_values(batch)
        return values

    @staticmethod
    def _targets(config: Any, batch: Batch, log_now: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """V-trace, with standardised advantages: rewards are shares of a benchmark's scale, far below one."""
        played = batch[Columns.LOSS_MASK]
        targets, advantages = v_trace(
            ratios=torch.exp(log_now - batch[Columns.ACTION_LOGP]),
            discounts=config.gamma * (1.0 - batch[Columns.TERMINATEDS].float()),
            rewards=batch[Columns.REWARDS],
            values=values,
            played=played,
            bound=config.vtrace_clip_rho_threshold,
        )
        return targets, standardised(advantages, played)

    def _loss(
        self, module_id: str, config: Any, batch: Batch, gain: Tensor, value_error: Tensor, entropy: Tensor
    ) -> Tensor:
        """Means over the played steps of -gain, half the squared value error, and -entropy, weighted and added."""
        played = batch[Columns.LOSS_MASK]
        policy_loss = -gain[played].mean()
        value_loss = 0.5 * value_error[played].square().mean()
        mean_entropy = entropy[played].mean()
        entropy_weight = self.entropy_coeff_schedulers_per_module[module_id].get_current_value()
        figures = {POLICY_LOSS_KEY: policy_loss, VF_LOSS_KEY: value_loss, ENTROPY_KEY: mean_entropy}
        self.metrics.log_dict(figures, key=module_id, window=1)
        loss: Tensor = policy_loss + config.vf_loss_coeff * value_loss - entropy_weight * mean_entropy
        return loss


class APPOLearner(IMPALALearner, APPOTorchLearner):  # type: ignore[misc]  # RLlib's own bases disagree
    """V-trace by a target policy that changes once in a while, and clipped steps away from it (Luo et al., 2020)."""

    def compute_loss_for_module(self, *, module_id: str, config: Any, batch: Batch, fwd_out: Batch) -> Tensor:
        actions, log_before = batch[Columns.ACTIONS], batch[Columns.ACTION_LOGP]
        policy = self._policy(module_id, fwd_out[Columns.ACTION_DIST_INPUTS])
        target = self._module_of(module_id).forward_target(batch)[TARGET_NETWORK_ACTION_DIST_INPUTS]
        log_now, log_target = policy.logp(actions), self._policy(module_id, target).logp(actions)
        values = self._values(module_id, batch)
        targets, advantages = self._targets(config, batch, log_target, values)
        ratio = torch.exp(log_before - log_target).clamp(max=LARGEST_RATIO) * torch.exp(log_now - log_before)
        clipped = ratio.clamp(1 - config.clip_param, 1 + config.clip_param)
        gain = torch.minimum(advantages * ratio, advantages * clipped)
        return self._loss(module_id, config, batch, gain, values - targets, policy.entropy())
