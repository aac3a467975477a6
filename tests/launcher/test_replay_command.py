"""`tunewright replay` as a person types it, in this process, which is quicker."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from launcher import cli
from models.checkpoint_policy import NETWORK
from models.policy import CARD, Policy
from models.store.run_directory import RunDirectory
from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.backend.loops import Loop
from rllib_envs.loop_nest.loop_tool_tree import to_ir
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy
from tests.conftest import matmul
from tests.models.checkpoints import example_checkpoint
from tests.models.toy_policies import untrained

DIALS = Benchmark("three dials", "toy", {"targets": [3, 4, 2]})


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run of each problem, and a benchmark of each."""
    untrained("actor_critic").save(tmp_path / "runs" / "toy" / "policy")
    untrained("q", problem=LoopNest()).save(tmp_path / "runs" / "nests" / "policy")
    (tmp_path / "toy.json").write_text(DIALS.to_json())
    (tmp_path / "nest.json").write_text(matmul(16, 24, 32).to_json())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOP_TOOL_ROOT", raising=False)
    return tmp_path


def replay(*arguments: object) -> int:
    try:
        cli.main(["replay", *map(str, arguments)])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize(("bench", "unit", "baselines"), [("toy", "share", []), ("nest", "GFLOPS", ["numpy"])])
def test_people_and_programs_are_told_the_same(home, capsys, bench, unit, baselines):
    assert replay("--bench", f"{bench}.json", "--steps", 5, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["unit"] == unit and 1 <= len(told["steps"]) <= 5
    for step in told["steps"]:
        assert next(iter(step["probabilities"])) == step["action"]
        assert sum(step["probabilities"].values()) == pytest.approx(1.0)
    assert told["answer"]["verified"] and list(told["answer"]["speedup_over"]) == ["untuned", *baselines]
    taken = [step["action"] for step in told["steps"]]
    assert taken[: len(told["answer"]["actions"])] == told["answer"]["actions"]

    assert replay(told["policy"], "--bench", f"{bench}.json", "--steps", 5) == 0
    shown = capsys.readouterr().out
    rows = [line.split() for line in shown.splitlines() if line.strip()[:1].isdigit()]
    assert [row[1] for row in rows[1:]] == taken and [row[0] for row in rows] == [str(n) for n in range(len(rows))]
    for row, step in zip(rows[1:], told["steps"], strict=True):
        assert row[2].rstrip(",") == f"{step['probabilities'][step['action']]:.0%}"
    assert "expected" in shown and "verified: " in shown and f" {unit}" in shown


def test_a_solution_is_reached_by_the_actions_of_the_answer(home, capsys):
    assert replay("runs/toy", "--bench", "toy.json", "--json") == 0
    answer, toy = json.loads(capsys.readouterr().out)["answer"], Toy()
    state = toy.initial(DIALS)
    for action in answer["actions"]:
        state = toy.apply(state, toy.actions.index(action))
    assert answer["solution"] == toy.describe(state) and answer["measured"]["value"] == toy.evaluate(state).value


def test_an_answer_that_fails_is_told_and_is_an_error(home, capsys, monkeypatch):
    from eval import verification

    honest = verification.remeasure

    def failing(measures, rng):
        found = honest(measures, rng)
        answer = found[verification.ANSWER]
        broken = answer.evaluation.__class__(0.0, "share", 1.0, error="wrong result")
        return {**found, verification.ANSWER: answer._replace(evaluation=broken)}

    monkeypatch.setattr(verification, "remeasure", failing)
    assert replay("runs/toy", "--bench", "toy.json", "--json") == 4
    printed = capsys.readouterr()
    answer = json.loads(printed.out)["answer"]
    assert not answer["verified"] and answer["measured"]["error"] == "wrong result"
    assert printed.err.count("\n") == 1 and "failed when it was measured again: wrong result" in printed.err


def test_a_run_that_was_killed_has_the_policy_of_its_checkpoint(home, capsys):
    """Which is what is fetched from Weights & Biases, too."""
    trained = untrained("q")
    identity = {
        "trainer": "dqn",
        "problem": "toy",
        "actions": list(trained.actions),
        "observation": trained.spec._asdict(),
        "network": asdict(trained.encoder),
    }
    learner = {f"{NETWORK}{name}": array for name, array in trained.weights.items()}
    run = RunDirectory.create_at(home / "runs" / "killed", {"config": {"dataset": "toy_suite", "trainer": "dqn"}})
    settings = {"seed": 0, "suite_hash": "0"}
    checkpoint = replace(example_checkpoint(7), identity=identity, settings=settings, learner=learner)
    run.checkpoints.write(7, checkpoint.write)
    assert replay("runs/killed", "--bench", "toy.json", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    saved = Policy.load("runs/killed")
    assert told["policy"] == "runs/killed" and told["policy_sha256"] == saved.digest
    for name, array in trained.weights.items():
        np.testing.assert_array_equal(saved.weights[name], array)


def deeper_than_shown() -> Benchmark:
    problem = LoopNest()
    state = problem.initial(matmul(1024, 64, 64))
    deep = state.with_loops([*(Loop("m", 1 << power) for power in range(9, -1, -1)), *state.loops[1:]], 0)
    return Benchmark("too deep", "loop_nest", {"ir": to_ir(deep).serialize()})


def other_actions(home: Path) -> None:
    card = home / "runs" / "nests" / "policy" / CARD
    content = json.loads(card.read_text())
    content["actions"][0] = "sideways"
    card.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("runs/toy", "--bench", "nest.json"), "for problem 'toy', not for 'loop_nest'"),
        (("runs/nests", "--bench", "toy.json"), "for problem 'loop_nest', not for 'toy'"),
        (("runs/other", "--bench", "nest.json"), "was trained for the actions sideways, "),
        (("runs/nests", "--bench", "deep.json"), "'too deep' is more than an observation of problem 'loop_nest' can"),
        (("runs/empty", "--bench", "toy.json"), "has no checkpoint and no policy"),
        (("runs", "--bench", "toy.json"), "holds no policy"),
        (("nowhere", "--bench", "toy.json"), "nowhere does not exist"),
        (("https://example.org/a", "--bench", "toy.json"), "runs are fetched from"),
        (("--bench", "strange.json"), "no policy for 'strange' in runs/"),
        (("--bench", "senseless.json"), "needs 1 to 4 targets"),
        (("--bench", "nowhere.json"), "nowhere.json does not exist"),
        (("--bench", "runs"), "benchmark file runs can't be read"),
        (("--bench", "toy.json", "--steps", 0), "--steps is 0; it must be at least 1"),
        (("--bench", "toy.json", "--likeliest", 0), "--likeliest is 0; it must be at least 1"),
        (("--bench", "nest.json", "--backend", "avx"), "'avx'"),
    ],
)
def test_bad_input_is_one_line(home, capsys, arguments, message):
    if "runs/other" in arguments:
        other_actions(home)
        (home / "runs" / "nests").rename(home / "runs" / "other")
    RunDirectory.create_at(home / "runs" / "empty", {"config": {"dataset": "toy"}})
    if "deep.json" in arguments:
        (home / "deep.json").write_text(deeper_than_shown().to_json())
    (home / "strange.json").write_text(Benchmark("one", "strange", {}).to_json())
    (home / "senseless.json").write_text(Benchmark("one", "toy", {"targets": []}).to_json())
    assert replay(*arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 and message in printed.err and printed.out == ""
