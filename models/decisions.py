"""Decisions of a policy in many states at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.forward import TorchForward
from models.player import Q_TEMPERATURE
from models.policy import Policy

FEW_STATES = 16
"""For more, PyTorch's larger matrix products count for more than what it takes to prepare them."""


def act_in_all(policy: Policy, inputs: Mapping[str, np.ndarray], rng: np.random.Generator | None = None) -> np.ndarray:
    """As `Policy.act` for each of a batch of states, int [batch]; for policies that remember nothing.

    `inputs` are `policy_input` arrays with a batch axis in front. Where nothing is legal the answer means nothing.
    """
    preferences = preferences_in_all(policy, inputs)
    return np.asarray(preferences.argmax(axis=1)) if rng is None else drawn(preferences, rng)


def drawn(preferences: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An action for each state, int [batch], by the preferences of `preferences_in_all`."""
    # The highest after adding Gumbel noise is a draw in proportion to the exponentials.
    return np.asarray((preferences + rng.gumbel(size=preferences.shape)).argmax(axis=1))


def preferences_in_all(policy: Policy, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """float [batch, actions]: logarithms of how likely the policy is to draw each action, up to a constant for each
    state; -inf where it is illegal. Arguments as for `act_in_all`."""
    if policy.recurrent:
        raise ValueError("this policy remembers its episode; it decides on one state after the other")
    batch = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
    forward = policy.forward if len(inputs["action_mask"]) <= FEW_STATES else TorchForward(policy.network)
    scores, _ = forward.preferences(batch, None)
    scale = 1.0 if policy.kind == "actor_critic" else Q_TEMPERATURE
    return np.where(inputs["action_mask"] > 0, scores, -np.inf) / scale
