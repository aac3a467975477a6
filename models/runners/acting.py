"""From observations to actions, without RLlib's connector pipelines, which take longer than the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from ray.rllib.core.columns import Columns

Arrays = Mapping[str, np.ndarray]


class Decisions(NamedTuple):
    """What a module decided for a batch of observations."""

    actions: list[int]
    extra: Arrays
    """Whatever else it returned that the learner may want, one row for each observation."""
    states: Arrays
    """A recurrent module's state after each observation, by name; empty for other modules."""


class Actor(Protocol):
    """A module that acts."""

    def decide(
        self, observations: Sequence[Any], states: Sequence[Arrays] | None, explore: bool, **kwargs: Any
    ) -> Decisions:
        """One forward pass. `states` are a recurrent module's before the observations.

        `kwargs` are for the module's `forward_exploration`. Without `explore` the likeliest actions are taken.
        """
        ...


class TorchActor:
    """Any module, by PyTorch."""

    def __init__(self, module: Any, device: torch.device | None = None) -> None:
        self._module, self._device = module, device

    def decide(
        self, observations: Sequence[Any], states: Sequence[Arrays] | None, explore: bool, **kwargs: Any
    ) -> Decisions:
        """Besides, draws from the distribution that the module returns unless it returns actions."""
        module, batch = self._module, {Columns.OBS: stack(observations, self._device)}
        if states:
            batch[Columns.STATE_IN] = stack(states, self._device)
        with torch.inference_mode():
            outputs = module.forward_exploration(batch, **kwargs) if explore else module.forward_inference(batch)
            outputs = dict(outputs)
            if Columns.ACTIONS not in outputs:
                family = module.get_exploration_action_dist_cls() if explore else module.get_inference_action_dist_cls()
                distribution = family.from_logits(outputs[Columns.ACTION_DIST_INPUTS])
                if not explore:
                    distribution = distribution.to_deterministic()
                outputs[Columns.ACTIONS] = distribution.sample()
                if Columns.ACTION_LOGP not in outputs:
                    outputs[Columns.ACTION_LOGP] = distribution.logp(outputs[Columns.ACTIONS])
        actions = outputs.pop(Columns.ACTIONS).tolist()
        after = outputs.pop(Columns.STATE_OUT, {})
        return Decisions(actions, _arrays(outputs), _arrays(after))


def stack(observations: Sequence[Any], device: torch.device | None = None) -> Any:
    """Observations as one batch: arrays, or dicts of such, become tensors with one more dimension in front.

    As RLlib's connectors do: float64 becomes float32, other types stay.
    """
    first = observations[0]
    if isinstance(first, Mapping):
        return {name: stack([observation[name] for observation in observations], device) for name in first}
    batch = np.array(observations)
    tensor = torch.from_numpy(batch if batch.dtype != np.float64 else batch.astype(np.float32))
    return tensor if device is None else tensor.to(device)


def _arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: value.cpu().numpy() for name, value in tensors.items()}
