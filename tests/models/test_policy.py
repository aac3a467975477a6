"""The policy file: what comes back is what was saved, and nothing damaged or foreign gets in."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from models.encoders.config import EncoderConfig
from models.policy import CARD, KINDS, WEIGHTS, Policy
from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy
from tests.models.toy_policies import untrained

START = Toy().initial(Benchmark("b", "toy", {"targets": [3, 5]}))
INPUTS = policy_input(Toy(), START, 1.0)


@pytest.fixture(params=KINDS)
def policy(request: pytest.FixtureRequest) -> Policy:
    return untrained(request.param)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return untrained("actor_critic").save(tmp_path / "policy")


@pytest.mark.parametrize("encoder", ["mlp", "transformer"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_back_is_what_was_saved(tmp_path, kind, encoder):
    policy = untrained(kind, EncoderConfig(encoder, width=32, layers=1))
    back = Policy.load(policy.save(tmp_path / "run" / "policy"))
    assert replace(back, weights={}) == replace(policy, weights={})
    np.testing.assert_array_equal(back.start().scores(INPUTS), policy.start().scores(INPUTS))
    with_problem = back.make_problem()
    assert with_problem.actions == policy.actions


def test_every_way_to_name_a_policy(saved):
    for path in (saved, str(saved), saved / CARD, saved / WEIGHTS, saved.parent):
        assert Policy.load(path).problem == "toy"


def test_saving_again_replaces_the_whole_folder(saved):
    (saved / "leftover").write_text("of an earlier run")
    untrained("q").save(saved)
    assert Policy.load(saved).kind == "q"
    assert sorted(path.name for path in saved.iterdir()) == [CARD, WEIGHTS]
    assert [path.name for path in saved.parent.iterdir()] == ["policy"]


def test_a_failed_save_leaves_the_old_policy(saved, monkeypatch):
    monkeypatch.setattr("models.policy.write_json", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        untrained("q").save(saved)
    assert Policy.load(saved).kind == "actor_critic"
    assert [path.name for path in saved.parent.iterdir()] == ["policy"]


def test_scores_mean_what_the_kind_says():
    scores = untrained("actor_critic").scores(INPUTS)
    assert np.exp(scores[INPUTS["action_mask"] > 0]).sum() == pytest.approx(1, abs=1e-5)
    for kind in KINDS:
        scores = untrained(kind).start().scores(INPUTS)
        np.testing.assert_array_equal(np.isneginf(scores), INPUTS["action_mask"] == 0)


def test_only_legal_actions_are_taken(policy):
    toy, rng = Toy(), np.random.default_rng(0)
    for _ in range(20):
        state, player = START, policy.start()
        for step in range(8):
            action = player.act(policy_input(toy, state, 1 - step / 16), rng)
            state = toy.apply(state, action)


def test_greedy_is_the_best_and_sampling_follows_its_seed(policy):
    assert policy.start().act(INPUTS) == policy.start().scores(INPUTS).argmax()
    drawn = [[policy.start().act(INPUTS, np.random.default_rng(seed)) for seed in range(50)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    if policy.kind == "actor_critic":
        assert len(set(drawn[0])) > 1


def test_a_decision_by_pytorch_takes_one_thread_and_leaves_the_others_to_the_caller():
    """By NumPy: see `test_numpy_forward`."""
    policy, seen = untrained("q", EncoderConfig("transformer", width=640, layers=1)), []
    policy.network.encoder.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        policy.act(INPUTS)
        assert (seen, torch.get_num_threads()) == ([1], 3)
    finally:
        torch.set_num_threads(before)


def test_no_action_in_a_state_that_is_complete(policy):
    with pytest.raises(IllegalAction, match="complete"):
        policy.start().act(INPUTS | {"action_mask": np.zeros(4, np.int8)})


def test_a_policy_that_remembers_is_asked_in_an_episode_only():
    policy = untrained("recurrent_q")
    for question in (policy.act, policy.scores):
        with pytest.raises(ValueError, match=r"call start\(\)"):
            question(INPUTS)
    player = policy.start()
    first, second = player.scores(INPUTS), player.scores(INPUTS)
    assert not np.allclose(first[:3], second[:3])
    np.testing.assert_array_equal(policy.start().scores(INPUTS), first)


def edit_card(folder: Path, **changes: object) -> None:
    card = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**card, **changes}))


def edit_weights(folder: Path, change) -> None:
    arrays = load_file(folder / WEIGHTS)
    save_file(change(arrays), folder / WEIGHTS)


def poison(arrays):
    arrays["actor.bias"][0] = np.nan
    return arrays


def rename(arrays):
    arrays["actor.bios"] = arrays.pop("actor.bias")
    return arrays


DAMAGES = {
    "weights cut off": (lambda path: (path / WEIGHTS).write_bytes((path / WEIGHTS).read_bytes()[:-7]), "damaged"),
    "weights empty": (lambda path: (path / WEIGHTS).write_bytes(b""), "damaged"),
    "weights missing": (lambda path: (path / WEIGHTS).unlink(), "does not exist"),
    "weights not numbers": (lambda path: edit_weights(path, poison), "no numbers"),
    "weights renamed": (lambda path: edit_weights(path, rename), "missing actor.bias, not expected actor.bios"),
    "weights of another type": (
        lambda path: edit_weights(path, lambda arrays: {n: a.astype(np.float16) for n, a in arrays.items()}),
        "float16 .* where float32",
    ),
    "weights of another size": (lambda path: edit_card(path, encoder={"width": 64}), "is needed"),
    "pickle instead of weights": (lambda path: (path / WEIGHTS).write_bytes(b"\x80\x04cos\nsystem\n."), "damaged"),
    "card missing": (lambda path: (path / CARD).unlink(), "holds no policy"),
    "card cut off": (lambda path: (path / CARD).write_text((path / CARD).read_text()[:99]), "can't be read"),
    "card is a list": (lambda path: (path / CARD).write_text("[]"), "JSON object"),
    "card of the future": (lambda path: edit_card(path, schema_version=2), "schema version 2"),
    "card without version": (lambda path: edit_card(path, schema_version=None), "schema version None"),
    "card with a foreign kind": (lambda path: edit_card(path, kind="os.system"), "unknown kind of policy"),
    "card with a huge network": (lambda path: edit_card(path, encoder={"width": 10**9}), "from 1 to 1024"),
    "card with strange fields": (lambda path: edit_card(path, encoder={"shell": "rm"}), "unexpected keyword"),
    "card with text for a size": (lambda path: edit_card(path, horizon="16"), "whole numbers"),
    "problem unknown": (lambda path: edit_card(path, problem="toi"), "did you mean 'toy'"),
    "problem configured otherwise": (lambda path: edit_card(path, problem_config={"x": 1}), "unknown setting"),
    "problem with other actions": (
        lambda path: edit_card(path, actions=["a", "b", "c", "d"]),
        "trained for the actions",
    ),
    "problem seen otherwise": (
        lambda path: edit_card(path, observation={"max_tokens": 9, "token_features": 4, "global_features": 1}),
        "trained on observations",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_is_one_clear_error(saved, damage):
    apply, message = DAMAGES[damage]
    apply(saved)
    with pytest.raises(UserError, match=message) as caught:
        Policy.load(saved)
    assert str(saved.parent) in str(caught.value)


def test_a_wrong_path_is_one_clear_error(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        Policy.load(tmp_path / "nowhere")
    with pytest.raises(UserError, match="holds no policy"):
        Policy.load(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(UserError, match="is no policy"):
        Policy.load(tmp_path / "notes.txt")


def test_weights_that_are_no_numbers_are_not_saved(tmp_path, policy):
    weights = {name: np.full_like(array, np.nan) for name, array in policy.weights.items()}
    with pytest.raises(UserError, match="no numbers"):
        replace(policy, weights=weights).save(tmp_path / "policy")
    assert not (tmp_path / "policy").exists()


def test_using_a_policy_needs_no_ray(saved):
    code = (
        "import sys; sys.modules['ray'] = None\n"
        "from models.policy import Policy\n"
        "from rllib_envs.problem import Benchmark\n"
        "from rllib_envs.policy_input import policy_input\n"
        f"policy = Policy.load({str(saved)!r}); problem = policy.make_problem()\n"
        "state = problem.initial(Benchmark('b', 'toy', {'targets': [3, 5]}))\n"
        "print(policy.act(policy_input(problem, state, 1.0)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) == Policy.load(saved).act(INPUTS)
