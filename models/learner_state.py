"""What a learner knows, as named arrays: weights, target weights, and the optimiser's memory of past gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.checkpoint import OPTIMISER
from models.interrupts import Interrupts
from models.store.tensor_file import check_tensors

if TYPE_CHECKING:
    from ray.rllib.core.learner.torch.torch_learner import TorchLearner

MODULE = "module/"


def _module(learner: TorchLearner) -> Any:
    from ray.rllib.core import DEFAULT_MODULE_ID

    return learner.module[DEFAULT_MODULE_ID].unwrapped()


def _optimiser(learner: TorchLearner) -> Any:
    from ray.rllib.core import DEFAULT_MODULE_ID

    return learner.get_optimizer(DEFAULT_MODULE_ID)


def read_network(learner: TorchLearner) -> dict[str, np.ndarray]:
    """float32 copies of the network's weights, by parameter name."""
    state = _module(learner).network.state_dict()
    return {name: value.detach().cpu().numpy().copy() for name, value in state.items()}


def read_acting_weights(learner: TorchLearner) -> dict[str, Any]:
    """What an environment runner needs to play: the module's state without target networks."""
    state: dict[str, Any] = _module(learner).get_state(inference_only=True)
    return state


def read_learner(learner: TorchLearner) -> dict[str, np.ndarray]:
    """float32 copies of everything that the next update depends on, besides the data."""
    arrays = {MODULE + name: value for name, value in _module(learner).state_dict().items()}
    for index, memory in _optimiser(learner).state_dict()["state"].items():
        arrays |= {f"{OPTIMISER}{index}/{name}": value for name, value in memory.items()}
    return {name: value.detach().cpu().numpy().copy() for name, value in arrays.items()}


def write_learner(learner: TorchLearner, arrays: Mapping[str, np.ndarray]) -> None:
    """Put back what `read_learner` returned; learning rates and the like stay as now configured."""
    import torch

    module, optimiser = _module(learner), _optimiser(learner)
    weights = {name.removeprefix(MODULE): value for name, value in arrays.items() if name.startswith(MODULE)}
    module.load_state_dict({name: torch.tensor(value) for name, value in weights.items()}, strict=True)
    memory: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in arrays.items():
        if name.startswith(OPTIMISER):
            index, field = name.removeprefix(OPTIMISER).split("/")
            memory.setdefault(int(index), {})[field] = torch.tensor(value)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": memory})


def learner_shapes(learner: TorchLearner) -> dict[str, tuple[int, ...]]:
    """The names and shapes that `read_learner` returns once every parameter was updated by Adam."""
    shapes = {MODULE + name: tuple(value.shape) for name, value in _module(learner).state_dict().items()}
    groups = _optimiser(learner).param_groups
    for index, parameter in enumerate(parameter for group in groups for parameter in group["params"]):
        shape = tuple(parameter.shape)
        fields = {"step": (), "exp_avg": shape, "exp_avg_sq": shape}
        shapes |= {f"{OPTIMISER}{index}/{field}": size for field, size in fields.items()}
    return shapes


def check_learner(arrays: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """UserError unless a checkpoint's arrays have these names and shapes and are numbers."""
    # An optimiser remembers nothing of a parameter that it has not updated yet, or that is in no gradient at all.
    updated = {_parameter(name) for name in arrays if name.startswith(OPTIMISER)}
    shapes = {
        name: shape for name, shape in shapes.items() if not name.startswith(OPTIMISER) or _parameter(name) in updated
    }
    check_tensors(Path("the checkpoint's learner.safetensors"), arrays, shapes)


def _parameter(name: str) -> str:
    """The index of the parameter that an optimiser's array is of."""
    return name.removeprefix(OPTIMISER).split("/")[0]


def changes_held(learner_group: Any, interrupts: Interrupts) -> None:
    """Let no interrupt come in the middle of an update of the weights, where the learner is in this process."""
    learner = getattr(learner_group, "_learner", None)
    if learner is None:
        return  # it is in a process of its own, and answers a question only between two updates
    for name in ("apply_gradients", "after_gradient_based_update"):
        setattr(learner, name, _held(getattr(learner, name), interrupts))


def _held(change: Callable[..., Any], interrupts: Interrupts) -> Callable[..., Any]:
    def held(*arguments: Any, **named: Any) -> Any:
        with interrupts.held():
            return change(*arguments, **named)

    return held
