"""Policies that were never trained, and what to show them, for tests of everything but learning."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from models.encoders.config import EncoderConfig, InputSizes
from models.networks import build_network
from models.policy import Policy
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import Benchmark, PolicyInput, Problem
from rllib_envs.toy import Toy


def untrained(
    kind: str,
    encoder: EncoderConfig | None = None,
    seed: int = 0,
    problem: Problem[Any] | None = None,
    noise: float = 0.3,
) -> Policy:
    """A policy with random weights, for the toy unless another problem is given; without `noise` as learning begins."""
    torch.manual_seed(seed)
    problem, encoder = problem or Toy(), encoder or EncoderConfig(width=32)
    network = build_network(kind, InputSizes.of(problem.spec, len(problem.actions)), encoder)
    weights = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    rng = np.random.default_rng(seed)
    noisy = {name: value + rng.normal(0, noise, value.shape).astype(np.float32) for name, value in weights.items()}
    return Policy(
        kind=kind,
        problem=problem.name,
        problem_config=problem.config,
        actions=problem.actions,
        spec=problem.spec,
        horizon=problem.horizon,
        encoder=encoder,
        weights=noisy,
        provenance={"suite": "none"},
    )


def walked_states(problem: Problem[Any], benchmark: Benchmark, count: int, seed: int = 0) -> PolicyInput:
    """What the problem shows in the states of random walks: `policy_input` arrays with a batch axis of `count`."""
    rng = np.random.default_rng(seed)
    shown: list[PolicyInput] = []
    while len(shown) < count:
        state = problem.initial(benchmark)
        for step in range(min(problem.horizon, count - len(shown))):
            shown.append(policy_input(problem, state, 1 - step / problem.horizon))
            if not shown[-1]["action_mask"].any():
                break
            state = problem.apply(state, int(rng.choice(np.flatnonzero(problem.legal(state)))))
    return {name: np.stack([inputs[name] for inputs in shown]) for name in shown[0]}


def random_states(problem: Problem[Any], count: int, seed: int = 0) -> PolicyInput:
    """Arrays of the same shapes, filled at random; in the last of them nothing is there and nothing is legal."""
    rng, spec, actions = np.random.default_rng(seed), problem.spec, len(problem.actions)
    inputs = {
        "tokens": rng.normal(size=(count, spec.max_tokens, spec.token_features)).astype(np.float32),
        "token_mask": rng.integers(2, size=(count, spec.max_tokens), dtype=np.int8),
        "globals": rng.normal(size=(count, spec.global_features + 1)).astype(np.float32),
        "action_mask": rng.integers(2, size=(count, actions), dtype=np.int8),
    }
    inputs["action_mask"][np.arange(count), rng.integers(actions, size=count)] = 1
    inputs["token_mask"][-1] = inputs["action_mask"][-1] = 0
    return inputs
