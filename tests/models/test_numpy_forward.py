"""The forward pass in NumPy gives what PyTorch's does, and keeps to one thread."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from models.encoders.config import EncoderConfig
from models.forward import TorchForward, forward_of
from models.numpy_forward.networks import NumpyForward
from models.policy import Policy
from rllib_envs.problem import PolicyInput, Problem
from rllib_envs.registry import make_problem
from rllib_envs.toy import Toy
from tests.models.toy_policies import random_states, untrained

TOLERANCE = 1e-5
STEPS = 5
ENCODERS = [
    EncoderConfig("mlp", width=32),
    EncoderConfig("transformer", width=32),
    EncoderConfig("transformer", width=33, layers=3, heads=1),
]


def named(encoder: EncoderConfig) -> str:
    return f"{encoder.kind}{encoder.width}"


@pytest.fixture(params=ENCODERS, ids=named)
def encoder(request: pytest.FixtureRequest) -> EncoderConfig:
    return request.param


@pytest.fixture(params=["actor_critic", "q", "recurrent_q"])
def policy(request: pytest.FixtureRequest, encoder: EncoderConfig) -> Policy:
    return untrained(request.param, encoder)


def states_with_masks(batch: int, seed: int, problem: Problem[Any] | None = None) -> PolicyInput:
    """Random ones. Where there are several, one has no entity and nothing legal, one each only one of both missing."""
    states = random_states(problem or Toy(), batch + 1, seed)
    if batch == 1:
        return {name: array[:1] for name, array in states.items()}
    states["token_mask"][0] = 0
    states["action_mask"][1] = 0
    states["token_mask"][2] = 1
    return {name: array[1:] for name, array in states.items()}


def assert_close(found: np.ndarray, expected: np.ndarray) -> None:
    assert found.dtype == np.float32 and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


def log_softmax(scores: np.ndarray) -> np.ndarray:
    shifted = scores - scores.max(axis=-1, keepdims=True)
    normalised: np.ndarray = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalised


def assert_same_steps(policy: Policy, steps: list[PolicyInput]) -> None:
    """Scores of consecutive states, and what is remembered of each; log-probabilities may differ by a constant."""
    ours, theirs = NumpyForward(policy.network), TorchForward(policy.network)
    memory, expected_memory = None, None
    for states in steps:
        scores, memory = ours.scores(states, memory)
        expected, expected_memory = theirs.scores(states, expected_memory)
        if policy.kind == "actor_critic":
            scores, expected = log_softmax(scores), log_softmax(expected)
        assert_close(scores, expected)
        assert (memory is not None) == (expected_memory is not None) == policy.recurrent
        if memory is not None:
            assert_close(memory, expected_memory)


@pytest.mark.parametrize("batch", [1, 7])
def test_scores_and_memories_are_pytorchs(policy, batch):
    assert_same_steps(policy, [states_with_masks(batch, seed) for seed in range(STEPS)])


@pytest.mark.parametrize("tokens", ["none", "the first", "the last", "all"])
def test_a_state_alone_scores_as_in_pytorch_whatever_is_masked(policy, tokens):
    states = states_with_masks(1, seed=0)
    states["token_mask"][:] = {"none": 0, "the first": [1, 0, 0, 0], "the last": [0, 0, 0, 1], "all": 1}[tokens]
    assert_same_steps(policy, [states])
    states["action_mask"][:] = 0
    assert_same_steps(policy, [states])


def test_what_a_masked_token_holds_does_not_matter(policy):
    states = states_with_masks(7, seed=0)
    forward = NumpyForward(policy.network)
    before, _ = forward.scores(states, None)
    states["tokens"][states["token_mask"] == 0] = 1e6
    np.testing.assert_array_equal(forward.scores(states, None)[0], before)


@pytest.mark.parametrize("batch", [1, 7])
def test_values_are_pytorchs(encoder, batch):
    network, states = untrained("actor_critic", encoder).network, states_with_masks(batch, seed=0)
    assert_close(NumpyForward(network).value(states), TorchForward(network).value(states))


def test_large_inputs_do_not_overflow(policy):
    states = states_with_masks(7, seed=0)
    states["tokens"] *= 1e4
    scores, _ = NumpyForward(policy.network).scores(states, None)
    expected, _ = TorchForward(policy.network).scores(states, None)
    if policy.kind == "actor_critic":
        scores, expected = log_softmax(scores), log_softmax(expected)
    np.testing.assert_allclose(scores, expected, rtol=1e-3, atol=1e-3)


SCORERS = [EncoderConfig("scorer", width=32), EncoderConfig("scorer", width=128, layers=1)]


@pytest.mark.parametrize("name", ["streaming_engine", "stem_sharing"], ids=["without context", "with context"])
@pytest.mark.parametrize("kind", ["actor_critic", "q"])
@pytest.mark.parametrize("encoder", SCORERS, ids=named)
@pytest.mark.parametrize("batch", [1, 7])
def test_a_network_that_points_scores_as_in_pytorch(name, kind, encoder, batch):
    problem = make_problem(name)
    policy, states = untrained(kind, encoder, problem=problem, noise=0.1), states_with_masks(batch, 0, problem)
    assert_same_steps(policy, [states])
    half = len(problem.actions) // 2
    states["token_mask"][:, half : len(problem.actions)] = states["action_mask"][:, half:] = 0
    assert_same_steps(policy, [states])
    if kind == "actor_critic":
        assert_close(NumpyForward(policy.network).value(states), TorchForward(policy.network).value(states))


@pytest.mark.parametrize("kind", ["actor_critic", "q", "recurrent_q"])
def test_it_is_used_for_what_it_knows(kind):
    for encoder in ENCODERS:
        assert isinstance(forward_of(untrained(kind, encoder).network), NumpyForward)
    problem = make_problem("streaming_engine")
    for pointing, expected in (("scorer", NumpyForward), ("transformer", TorchForward)):
        network = untrained(kind, EncoderConfig(pointing, width=32), problem=problem).network
        assert isinstance(forward_of(network), TorchForward if kind == "recurrent_q" else expected)
    assert isinstance(forward_of(untrained(kind, EncoderConfig("transformer", width=640)).network), TorchForward)


ASKED_OFTEN = """
import time
import torch
from models.encoders.config import EncoderConfig, InputSizes
from models.networks import build_network
from models.numpy_forward.networks import NumpyForward
from rllib_envs.registry import make_problem
from tests.models.toy_policies import random_states

torch.set_num_threads(1)  # which makes the networks; its threads would spin for a while
for name, kind, encoder, width in (
    ("loop_nest", "recurrent_q", "mlp", 256),
    ("loop_nest", "recurrent_q", "transformer", 256),
    ("stem_sharing", "actor_critic", "scorer", 64),
    ("stem_sharing", "actor_critic", "scorer", 256),
):
    problem = make_problem(name)
    sizes = InputSizes.of(problem.spec, len(problem.actions))
    network = build_network(kind, sizes, EncoderConfig(encoder, width=width))
    assert NumpyForward.knows(network)
    forward, states = NumpyForward(network), random_states(problem, 4)
    forward.scores(states, None)
    own, all_threads = time.thread_time(), time.process_time()
    for _ in range(30):
        forward.scores(states, None)
    print((time.process_time() - all_threads) / (time.thread_time() - own))
    problem.close()
"""


def test_it_makes_no_work_for_other_threads():
    """In a process of its own, for how many threads BLAS has is settled when NumPy is imported."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "4"}
    ran = subprocess.run(
        [sys.executable, "-c", ASKED_OFTEN], env=environment, capture_output=True, text=True, check=True
    )
    for ratio in ran.stdout.split():
        assert float(ratio) < 1.1, "CPU time of all threads, as a multiple of this one's"
