"""The learner: several batches in one go, priorities straight back to where the transitions came from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import ray
import torch
import tree
from ray.rllib.core import ALL_MODULES, DEFAULT_MODULE_ID
from ray.rllib.core.learner.torch.torch_learner import TorchLearner
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.core.learner.utils import update_target_network
from ray.rllib.utils.metrics import NUM_ENV_STEPS_TRAINED_LIFETIME, NUM_MODULE_STEPS_TRAINED, NUM_TARGET_UPDATES
from torch import Tensor

from models.q_learner import QLearner
from models.replay.prioritized import ROWS, SERIALS
from models.replay.shard import SHARD
from rllib_envs.errors import TunewrightError

STATE, UPDATES = "acting_state", "updates"
"""Parts of `update`'s result that are no metrics."""

PriorityWriter = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]
"""A shard's `update_priorities`, or Ray's way to it."""


class Diverged(TunewrightError):
    """A TD error is no number any more."""


class ApexLearner(QLearner):
    module: Any
    _module: Any
    _optimizer_parameters: Any
    _writers: Sequence[PriorityWriter] = ()
    _update_count = 0

    def configure_optimizers_for_module(self, module_id: str, config: Any = None) -> None:
        """RLlib's Adam, computed in one pass over all parameters, which takes a third of the time."""
        parameters = self.get_parameters(self._module[module_id])
        self.register_optimizer(
            module_id=module_id,
            optimizer=torch.optim.Adam(parameters, fused=True),
            params=parameters,
            lr_or_lr_schedule=config.lr,
        )

    def connect(self, writers: Sequence[PriorityWriter]) -> None:
        """Write the priorities of shard i to `writers[i]` from now on."""
        self._writers = writers

    def update(  # type: ignore[override]
        self,
        training_data: TrainingData | None = None,
        *,
        timesteps: dict[str, Any] | None = None,
        return_state: bool = False,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Learn from a sample of one shard, batch by batch. Raises Diverged when an error is no number.

        With `return_state` the result holds the weights to act with, by reference where Ray carries them.
        """
        assert training_data is not None
        # RLlib would take a shard's plain columns for several batches, and so doesn't get to see what is in them.
        columns: Any = training_data.batch or ray.get(training_data.batch_refs)[0]  # type: ignore[arg-type,index]
        columns = dict(columns)
        origin = {name: columns.pop(name) for name in (SHARD, ROWS, SERIALS)}
        # A copy, because what comes from Ray's store must not be written to.
        tensors = tree.map_structure(lambda array: torch.tensor(array, device=self._device), columns)
        size = self.config.train_batch_size_per_learner
        errors = [
            self._update_once(tree.map_structure(lambda column, at=begin: column[at : at + size], tensors))
            for begin in range(0, len(origin[ROWS]), size)
        ]
        self._write_priorities(origin, torch.cat(errors).cpu().numpy())
        self.metrics.log_dict(self._figures, key=DEFAULT_MODULE_ID, window=1)
        rows = len(origin[ROWS])
        self.metrics.log_value((ALL_MODULES, NUM_ENV_STEPS_TRAINED_LIFETIME), rows, reduce="lifetime_sum")
        for module in (ALL_MODULES, DEFAULT_MODULE_ID):  # by which it is known whether anything was learnt
            self.metrics.log_value((module, NUM_MODULE_STEPS_TRAINED), rows, reduce="sum")
        # The learning rate's schedule. RLlib's DQN would also count environment steps to the next target update.
        TorchLearner.after_gradient_based_update(self, timesteps=timesteps or {})
        result: dict[str, Any] = self.metrics.reduce()
        result[UPDATES] = len(errors)
        if return_state:
            result[STATE] = self._acting_state()
        return result

    def _update_once(self, batch: dict[str, Any]) -> Tensor:
        """One gradient step; the TD errors before it.

        RLlib's own step is made for several modules with an optimiser and options each, and takes twice the time.
        """
        module, optimizer = self.module[DEFAULT_MODULE_ID], self.get_optimizer(DEFAULT_MODULE_ID)
        loss = self.compute_loss_for_module(
            module_id=DEFAULT_MODULE_ID, config=self.config, batch=batch, fwd_out=module._forward_train(batch)
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.apply_gradients({})
        return self.td_errors

    def apply_gradients(self, gradients_dict: dict[Any, Any]) -> None:
        """Change the weights by the gradients that their parameters hold, and now and then the target's.

        Under RLlib's name for it, because that is what no interrupt may come into.
        """
        optimizer = self.get_optimizer(DEFAULT_MODULE_ID)
        if self.config.grad_clip is not None:
            torch.nn.utils.clip_grad_norm_(self._optimizer_parameters[optimizer], self.config.grad_clip)
        optimizer.step()
        self._update_count += 1
        if self._update_count % self.config.target_update_interval == 0:
            module = self.module[DEFAULT_MODULE_ID].unwrapped()
            for network, target in module.get_target_network_pairs():
                update_target_network(main_net=network, target_net=target, tau=self.config.tau)
            self.metrics.log_value((DEFAULT_MODULE_ID, NUM_TARGET_UPDATES), 1, reduce="lifetime_sum")

    def report(self, module_id: str, loss: Tensor, taken: Tensor) -> None:
        """Of the batches learnt from in one go, the last is reported."""
        self._figures = {
            self.TOTAL_LOSS_KEY: loss,
            "qf_loss": loss,
            "qf_mean": taken.mean(),
            "td_error_mean": self.td_errors.mean(),
        }

    def _write_priorities(self, origin: dict[str, np.ndarray], errors: np.ndarray) -> None:
        if not np.isfinite(errors).all():
            raise Diverged(
                f"after {self._update_count} updates a TD error is no number; "
                "go back to the last checkpoint with a smaller learning rate"
            )
        if self._writers:
            self._writers[int(origin[SHARD][0])](origin[ROWS], origin[SERIALS], errors)

    def _acting_state(self) -> Any:
        state = self.module[DEFAULT_MODULE_ID].unwrapped().get_state(inference_only=True)
        # A reference inside a list stays one on its way through Ray.
        return [ray.put(state)] if self.config.num_env_runners else [state]
