"""Toy policies that were never trained, for tests of everything but learning."""

from __future__ import annotations

import numpy as np
import torch

from models.encoders.config import EncoderConfig, InputSizes
from models.networks import build_network
from models.policy import Policy
from rllib_envs.toy import Toy


def untrained(kind: str, encoder: EncoderConfig | None = None, seed: int = 0) -> Policy:
    """A toy policy with random weights."""
    torch.manual_seed(seed)
    problem, encoder = Toy(), encoder or EncoderConfig(width=32)
    network = build_network(kind, InputSizes.of(problem.spec, len(problem.actions)), encoder)
    weights = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    rng = np.random.default_rng(seed)
    noisy = {name: value + rng.normal(0, 0.3, value.shape).astype(np.float32) for name, value in weights.items()}
    return Policy(
        kind=kind,
        problem="toy",
        problem_config=problem.config,
        actions=problem.actions,
        spec=problem.spec,
        horizon=problem.horizon,
        encoder=encoder,
        weights=noisy,
        provenance={"suite": "none"},
    )
