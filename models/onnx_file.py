"""A policy as an ONNX file: for programs without PyTorch, and without this package."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.encoders.config import InputSizes
from models.policy import Policy
from models.store.atomic import new_file
from rllib_envs.errors import MissingPackage, UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

SUFFIX = ".onnx"
INPUTS = ("tokens", "token_mask", "globals", "action_mask")
"""In the file as in `policy_input`, each with a batch axis in front."""
OUTPUT = "scores"
STATE_IN, STATE_OUT = "state", "next_state"
"""Input and output of a policy that remembers its episode: float32 [batch, width], zero at the episode's start."""
OPSET = 17
"""The first with layer normalisation as one operation; whatever came out since 2022 reads it."""


def require_onnx() -> None:
    """Raise MissingPackage where no ONNX file could be written. Called before the work that one is to come from."""
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise MissingPackage(
            f"an ONNX file needs the package onnx ({error}); install it: pip install 'tunewright[export]'"
        ) from None


def write_onnx(policy: Policy, path: Path) -> Path:
    """Write what `policy.scores` computes, for any number of states at once, and return the path.

    Inputs: `tokens` float32 [batch, max_tokens, token_features], `token_mask` int8 [batch, max_tokens], `globals`
    float32 [batch, global_features + 1] and `action_mask` int8 [batch, actions], as `policy_input` has them. Output:
    `scores` float32 [batch, actions], -inf where an action is illegal. A recurrent policy has `state` and `next_state`
    besides, float32 [batch, width]: zero at an episode's start, later what the step before gave. The file's metadata
    are the entries of `policy.json`, each as JSON.

    Raises UserError for another suffix than .onnx, a file that exists and a place that can't be written, and
    MissingPackage without onnx.
    """
    require_onnx()
    if path.suffix != SUFFIX:
        raise UserError(f"can't write an ONNX file as {path.name}; give it the suffix {SUFFIX}")
    if path.exists():
        raise UserError(f"{path} exists already; choose another name or remove it")
    import onnx

    with new_file(path) as draft:
        _trace(policy, draft)
        model = onnx.load(draft)
        model.producer_name = "tunewright"
        model.doc_string = f"scores of {len(policy.actions)} actions for {policy.problem}; the best has the highest"
        onnx.helper.set_model_props(model, {name: json.dumps(value) for name, value in policy.card.items()})
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, draft)
    return path


def interface(policy: Policy) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the file's inputs and of its outputs."""
    return ((*INPUTS, STATE_IN), (OUTPUT, STATE_OUT)) if policy.recurrent else (INPUTS, (OUTPUT,))


def _trace(policy: Policy, file: Path) -> None:
    """Write the network as PyTorch's exporter does."""
    import torch

    sizes = InputSizes.of(policy.spec, len(policy.actions))
    batch = 2  # of one, the tracer would take the axis for a constant
    names, outputs = interface(policy)
    example = (
        torch.zeros(batch, sizes.max_tokens, sizes.token_features),
        torch.ones(batch, sizes.max_tokens, dtype=torch.int8),
        torch.zeros(batch, sizes.globals),
        torch.ones(batch, sizes.actions, dtype=torch.int8),
        torch.zeros(batch, policy.encoder.width),
    )[: len(names)]
    with _plain_operations():
        torch.onnx.export(
            _scorer(policy).eval(),
            example,
            file,
            # The newer exporter takes 5 to 13 seconds where this one takes a third of one, needs onnxscript, and
            # writes files of three times the size. PyTorch is pinned, so that this one can't vanish unnoticed.
            dynamo=False,
            opset_version=OPSET,
            input_names=list(names),
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch"} for name in (*names, *outputs)},
        )


def _scorer(policy: Policy) -> nn.Module:
    """A step of the network for a batch, with the inputs one by one."""
    import torch

    class Scorer(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = policy.network

        def forward(self, *arrays: Tensor) -> tuple[Tensor, ...]:
            inputs = dict(zip(INPUTS, arrays, strict=False))
            scores, state = self.network.step(inputs, *arrays[len(INPUTS) :])
            scores = scores.masked_fill(inputs["action_mask"] < 1, -torch.inf)
            return (scores,) if state is None else (scores, state)

    return Scorer()


@contextmanager
def _plain_operations() -> Iterator[None]:
    """Attention as single operations, which ONNX has; PyTorch's fused one has no counterpart there."""
    import torch

    mha: Any = torch.backends.mha
    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter; see above
            # A recurrent policy's state is an input of the file, as this one asks for.
            warnings.filterwarnings("ignore", "Exporting a model to ONNX with a batch_size", UserWarning)
            # PyTorch's attention compares shapes in Python, which is right for any number of states.
            warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
            yield
    finally:
        mha.set_fastpath_enabled(before)
