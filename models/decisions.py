"""Decisions of a policy in many states at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.forward import TorchForward
from models.player import Q_TEMPERATURE
from models.policy import Policy


def act_in_all(policy: Policy, inputs: Mapping[str, np.ndarray], rng: np.random.Generator | None = None) -> np.ndarray:
    """As `Policy.act` for each of a batch of states, int [batch]; for policies that remember nothing.

    `inputs` are `policy_input` arrays with a batch axis in front. Where nothing is legal the answer means nothing.
    """
    if policy.recurrent:
        raise ValueError("this policy remembers its episode; it decides on one state after the other")
    forward = TorchForward(policy.network)
    batch = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
    scores = np.where(inputs["action_mask"] > 0, forward.scores(batch, None)[0], -np.inf)
    if rng is not None:
        # The highest after adding Gumbel noise is a draw in proportion to the exponentials.
        scale = 1.0 if policy.kind == "actor_critic" else Q_TEMPERATURE
        scores = scores / scale + rng.gumbel(size=scores.shape)
    return np.asarray(scores.argmax(axis=1))
