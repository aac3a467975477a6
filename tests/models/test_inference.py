"""One policy, three ways to ask it: without Ray, as RLlib's module, and as an ONNX file. All answer the same."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from models.encoders.config import PLAIN_KINDS, POINTER_KINDS, EncoderConfig
from models.onnx_file import STATE_IN, write_onnx
from models.policy import CARD, Policy
from models.train_settings import TrainSettings
from models.trainers.registry import TRAINERS
from models.training import TrainingSession
from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.problem import Benchmark, PolicyInput, Problem
from rllib_envs.registry import make_problem
from rllib_envs.shipped_data import DATASETS
from rllib_envs.suite import read_benchmark
from rllib_envs.toy import Toy
from rllib_envs.tuning_env import policy_input_space
from tests.conftest import matmul
from tests.models.toy_policies import random_states, untrained, walked_states

TOLERANCE = 1e-5
SOME = 30
PAIRS = [(problem, kind) for problem in ("toy", "loop_nest") for kind in PLAIN_KINDS]
PAIRS += [("streaming_engine", kind) for kind in POINTER_KINDS]


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A problem and a kind of encoder for it."""
    return request.param


@pytest.fixture
def problem(pair: tuple[str, str], request: pytest.FixtureRequest) -> Problem[Any]:
    name = pair[0]
    return request.getfixturevalue(name) if name == "loop_nest" else make_problem(name)


@pytest.fixture
def encoder(pair: tuple[str, str]) -> EncoderConfig:
    return EncoderConfig(pair[1], width=32)


@pytest.fixture(params=["actor_critic", "q", "recurrent_q"])
def policy(request: pytest.FixtureRequest, encoder: EncoderConfig, problem: Problem[Any]) -> Policy:
    return untrained(request.param, encoder, problem=problem)


def states_of(problem: Problem[Any]) -> PolicyInput:
    """States that occur, with their padding, and random ones."""
    benchmark = {
        "toy": Benchmark("b", "toy", {"targets": [3, 5]}),
        "loop_nest": matmul(64, 80, 96),
        "streaming_engine": read_benchmark(DATASETS / "streaming_engine" / "fft_inner.json"),
    }[problem.name]
    walked, made_up = walked_states(problem, benchmark, SOME), random_states(problem, SOME)
    return {name: np.concatenate([walked[name], made_up[name]]) for name in walked}


def scores_of(policy: Policy, states: PolicyInput) -> np.ndarray:
    """[states, actions], by one question a state, as a policy is used: all in one episode if it remembers that."""
    player, rows = policy.start(), range(len(states["action_mask"]))
    return np.stack([player.scores({name: array[row] for name, array in states.items()}) for row in rows])


def rllib_scores(module: Any, states: PolicyInput) -> np.ndarray:
    """What RLlib's module decides by, in the form of `Policy.scores`, and its greedy actions."""
    from ray.rllib.algorithms.dqn.default_dqn_rl_module import QF_PREDS
    from ray.rllib.core.columns import Columns

    batch = {Columns.OBS: {name: torch.from_numpy(array) for name, array in states.items()}}
    if module.is_stateful():
        return rllib_episode_scores(module, batch)
    with torch.no_grad():
        out = module.forward_inference(batch)
        if Columns.ACTION_DIST_INPUTS in out:
            return torch.log_softmax(out[Columns.ACTION_DIST_INPUTS], -1).numpy()
        values: np.ndarray = module.compute_q_values(batch)[QF_PREDS].numpy()
        np.testing.assert_array_equal(out[Columns.ACTIONS], values.argmax(-1))
        return values


def rllib_episode_scores(module: Any, batch: dict[str, Any]) -> np.ndarray:
    """The same from a recurrent module, for which the batch is one episode: as it learns, and as it acts."""
    from ray.rllib.algorithms.dqn.default_dqn_rl_module import QF_PREDS
    from ray.rllib.core.columns import Columns

    states, scores = batch[Columns.OBS], []
    state = {name: torch.from_numpy(array)[None] for name, array in module.get_initial_state().items()}
    with torch.no_grad():
        for row in range(len(states["action_mask"])):
            seen = {
                Columns.OBS: {name: array[row : row + 1] for name, array in states.items()},
                Columns.STATE_IN: state,
            }
            scores.append(module.compute_q_values(seen)[QF_PREDS])
            out = module.forward_inference(seen)
            assert out[Columns.ACTIONS] == scores[-1].argmax()
            state = out[Columns.STATE_OUT]
        whole, _ = module.network.unroll({name: array[None] for name, array in states.items()})
    torch.testing.assert_close(torch.cat(scores), whole[0], atol=TOLERANCE, rtol=TOLERANCE)
    values: np.ndarray = whole[0].numpy()
    return values


def onnx_scores(file: Path, states: PolicyInput, batch: int) -> np.ndarray:
    """[states, actions], asked in batches; of a recurrent policy, `batch` episodes of these states in step."""
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    if STATE_IN in (value.name for value in session.get_inputs()):
        return onnx_episode_scores(session, states, batch)
    starts = range(0, len(states["action_mask"]), batch)
    asked = ({name: array[start : start + batch] for name, array in states.items()} for start in starts)
    return np.concatenate([session.run(["scores"], inputs)[0] for inputs in asked])


def onnx_episode_scores(session: onnxruntime.InferenceSession, states: PolicyInput, batch: int) -> np.ndarray:
    width = session.get_inputs()[-1].shape[-1]
    state, scores = np.zeros((batch, width), np.float32), []
    for row in range(len(states["action_mask"])):
        inputs = {name: np.repeat(array[row : row + 1], batch, 0) for name, array in states.items()}
        answers, state = session.run(["scores", "next_state"], {**inputs, STATE_IN: state})
        np.testing.assert_allclose(answers, answers[:1].repeat(batch, 0), atol=TOLERANCE)
        scores.append(answers[0])
    return np.stack(scores)


def assert_same(scores: np.ndarray, expected: np.ndarray, states: PolicyInput) -> None:
    """Equal to 1e-5 (of scores beyond one, to 1e-5 of them), and so are the best legal actions."""
    legal = states["action_mask"] > 0
    np.testing.assert_allclose(scores[legal], expected[legal], rtol=TOLERANCE, atol=TOLERANCE)
    some = legal.any(-1)
    np.testing.assert_array_equal(scores[some].argmax(-1), expected[some].argmax(-1))


@pytest.fixture
def exported(policy: Policy, tmp_path: Path) -> Iterator[Path]:
    fused = torch.backends.mha.get_fastpath_enabled()
    yield write_onnx(policy, tmp_path / "policy.onnx")
    assert torch.backends.mha.get_fastpath_enabled() == fused


def test_a_policy_scores_as_rllibs_module_does(policy, problem):
    from gymnasium.spaces import Discrete

    from models.rl_modules import MaskedActorCritic, MaskedQ, MaskedRecurrentQ, module_config

    settings = {**module_config(problem.spec, policy.encoder), "double_q": True, "epsilon": 0.0}
    module = {"actor_critic": MaskedActorCritic, "q": MaskedQ, "recurrent_q": MaskedRecurrentQ}[policy.kind](
        observation_space=policy_input_space(problem),
        action_space=Discrete(len(problem.actions)),
        model_config=settings,
    )
    module.network.load_state_dict({name: torch.from_numpy(array) for name, array in policy.weights.items()})
    states = states_of(problem)
    assert_same(scores_of(policy, states), rllib_scores(module, states), states)


def test_what_a_policy_expects_is_what_its_network_does(policy, problem):
    states = states_of(problem)
    going_on = np.flatnonzero(states["action_mask"].any(axis=1))[:SOME]
    states = {name: array[going_on] for name, array in states.items()}
    rows = [{name: array[row] for name, array in states.items()} for row in range(SOME)]
    tensors = {name: torch.from_numpy(array) for name, array in states.items()}
    player, memories, values = policy.start(), [None], []
    for inputs in rows:
        judged = player.judge(inputs)
        (probabilities,), memories = policy.probabilities([inputs], memories)
        # values are right to 1e-5 or better, and a Q-network's are divided by their temperature
        np.testing.assert_allclose(judged.probabilities, probabilities, rtol=1e-4, atol=1e-12)
        assert judged.probabilities.sum() == pytest.approx(1.0)
        assert not judged.probabilities[inputs["action_mask"] == 0].any()
        values.append(judged.value)
    if policy.kind == "actor_critic":
        expected = policy.network.value(tensors).numpy()
    else:
        expected = scores_of(policy, states).max(-1)
    np.testing.assert_allclose(values, expected, rtol=TOLERANCE, atol=TOLERANCE)
    if not policy.recurrent:
        together, _ = policy.probabilities(rows, [None] * SOME)
        alone = [policy.start().judge(inputs).probabilities for inputs in rows]
        np.testing.assert_allclose(
            together, alone, atol=1e-3
        )  # of values as far as a temperature of 0.02 blows them up


@pytest.mark.parametrize("batch", [1, 7])
def test_an_onnx_file_scores_as_its_policy_does(exported, policy, problem, batch):
    states = states_of(problem)
    scores = onnx_scores(exported, states, batch)
    assert_same(scores, scores_of(policy, states), states)
    np.testing.assert_array_equal(np.isneginf(scores), states["action_mask"] == 0)


@pytest.mark.usefixtures("shared_ray")
@pytest.mark.parametrize("trainer", TRAINERS)
def test_what_a_trainer_leaves_decides_as_its_learner_does(trainer, toy_env, tmp_path):
    from ray.rllib.core import DEFAULT_MODULE_ID

    states = states_of(Toy())
    with TrainingSession(TrainSettings(trainer, toy_env, encoder=EncoderConfig(width=32))) as session:
        start = session.policy()
        while session.counters.env_steps < 2000:
            session.step()
        policy = session.policy()
        expected = session._ask_learner(
            lambda learner: rllib_scores(learner.module[DEFAULT_MODULE_ID].unwrapped(), states)
        )
    back = Policy.load(policy.save(tmp_path / "policy"))
    file = write_onnx(back, tmp_path / "policy.onnx")
    assert not np.allclose(scores_of(start, states), scores_of(back, states), atol=100 * TOLERANCE), "it learnt nothing"
    assert_same(scores_of(back, states), expected, states)
    assert_same(onnx_scores(file, states, 7), expected, states)


def test_an_onnx_file_describes_itself(tmp_path):
    policy = untrained("q")
    file = write_onnx(policy, tmp_path / "policy.onnx")
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    shapes = {value.name: (value.type, value.shape) for value in (*session.get_inputs(), *session.get_outputs())}
    assert shapes == {
        "tokens": ("tensor(float)", ["batch", 4, 4]),
        "token_mask": ("tensor(int8)", ["batch", 4]),
        "globals": ("tensor(float)", ["batch", 2]),
        "action_mask": ("tensor(int8)", ["batch", 4]),
        "scores": ("tensor(float)", ["batch", 4]),
    }
    described = {name: json.loads(value) for name, value in session.get_modelmeta().custom_metadata_map.items()}
    assert described == json.loads((policy.save(tmp_path / "policy") / CARD).read_text())
    assert {"schema_version", "problem", "actions", "observation", "horizon"} <= described.keys()


def test_an_onnx_file_of_an_actor_leaves_out_its_critic(tmp_path):
    file = write_onnx(untrained("actor_critic"), tmp_path / "policy.onnx")
    names = [array.name for array in onnx.load(file).graph.initializer]
    assert any("actor" in name for name in names) and not any("critic" in name for name in names)


def test_what_exists_is_not_overwritten_and_a_failure_leaves_nothing(tmp_path):
    policy, file = untrained("q"), tmp_path / "policy.onnx"
    file.write_text("precious")
    with pytest.raises(UserError, match=r"policy\.onnx exists already"):
        write_onnx(policy, file)
    assert file.read_text() == "precious"
    with pytest.raises(UserError, match=r"suffix \.onnx"):
        write_onnx(policy, tmp_path / "policy.pt")
    with pytest.raises(UserError, match="can't be written"):
        write_onnx(policy, file / "below_a_file.onnx")
    with pytest.raises(TypeError):
        write_onnx(replace(policy, provenance={"no": object()}), tmp_path / "other.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["policy.onnx"]


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingPackage, match=r"pip install 'tunewright\[export\]'"):
        write_onnx(untrained("q"), tmp_path / "policy.onnx")
