"""What a policy sees of a state: the observation, how much of the episode is left, and what is legal."""

from __future__ import annotations

from typing import Any

import numpy as np

from rllib_envs.problem import Observation, PolicyInput, Problem


def policy_input(problem: Problem[Any], state: Any, steps_left: float, legal: np.ndarray | None = None) -> PolicyInput:
    """What a policy sees of a state.

    `tokens` float32 [max_tokens, token_features], `token_mask` int8 [max_tokens], `globals` float32
    [global_features + 1] (the last one is `steps_left`, the share of the horizon that remains), and `action_mask`
    int8 [actions]. `legal` is `problem.legal(state)`, for a caller who has asked for it already.
    """
    tokens, token_mask, features = problem.observe(state)
    whole = np.empty(len(features) + 1, np.float32)
    whole[:-1], whole[-1] = features, steps_left
    return {
        "tokens": tokens,
        "token_mask": token_mask,
        "globals": whole,
        "action_mask": (problem.legal(state) if legal is None else legal).astype(np.int8),
    }


def policy_input_batch(observed: Observation, steps_left: float, legal: np.ndarray) -> PolicyInput:
    """The same of many states at once: with a batch axis in front of each array, as `observed` and `legal` have it."""
    tokens, token_mask, features = observed
    return {
        "tokens": tokens,
        "token_mask": token_mask,
        "globals": np.concatenate([features, np.full((len(features), 1), steps_left, np.float32)], axis=1),
        "action_mask": legal.astype(np.int8),
    }
