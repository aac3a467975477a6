"""RLlib's seeding, without what it imports for it."""

from __future__ import annotations

import torch


def seed_without_compiler() -> None:
    """For this process, before RLlib seeds it: ask PyTorch for no deterministic algorithms.

    To do so it imports its compiler, which takes three seconds in every process that plays. On the processor all
    operations that networks play with are deterministic. For GPUs RLlib asks for other things, and still does.
    """
    from ray.rllib.utils.debug import deterministic

    if torch.version.cuda is None:
        deterministic.set_torch_seed = _seed  # type: ignore[attr-defined]


def _seed(seed: int | None = None) -> None:
    if seed is not None:
        torch.manual_seed(seed)
