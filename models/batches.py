"""What a network is asked about: several states at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

Batch = Mapping[str, np.ndarray]
"""What `rllib_envs.policy_input.policy_input` returns, with a batch axis in front of each array."""


def batched(inputs: Sequence[Batch]) -> dict[str, np.ndarray]:
    """Those of single states with a batch axis in front."""
    if len(inputs) == 1:
        return {name: array[None] for name, array in inputs[0].items()}
    return {name: np.array([each[name] for each in inputs]) for name in inputs[0]}
