"""`tunewright compare` and its older door, as a person types them; most of it in this process, which is quicker."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from eval.budget import Budget
from eval.compare import carry_out
from eval.journal import JOURNAL, Journal, read_journal
from eval.searches import POLICY_SEARCHES, SEARCHES
from launcher import cli
from launcher.comparison.compare import CompareConfig, chosen_suites
from launcher.comparison.evaluation import Proof
from launcher.comparison.folder import comparison_folder
from models import shipped
from models.policy import Policy
from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.suite import Suite
from rllib_envs.toy import Toy
from tests.conftest import ROOT
from tests.models.toy_policies import untrained

DOOR = (sys.executable, ROOT / "eval" / "search.py")
QUICK = ("--evaluations", 9, "--size", 2, "--seeds", 1, "--workers", 0)


@pytest.fixture
def home(toy_suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run of a policy that was trained, by name, on the toy suite."""
    env = {"problem": "toy", "suite": str(toy_suite), "split": "train", "test_share": 0.5, "split_seed": 0}
    provenance = {"suite": "toy_suite", "suite_hash": Suite.load(toy_suite).hash, "env": env, "trainer": "apex_dqn"}
    replace(untrained("q"), provenance=provenance).save(tmp_path / "runs" / "first" / "policy")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOP_TOOL_ROOT", raising=False)
    return tmp_path


def compare(*arguments: object) -> int:
    """`tunewright compare` in this process: its exit code."""
    try:
        cli.main(["compare", *map(str, arguments)])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def started(home: Path, *arguments: object, **options) -> subprocess.Popen[str]:
    command = [*map(str, DOOR), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=home, env=environment, **pipes, **options)


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def searches(folder: Path) -> int:
    """How many are in the journal, which may not be there yet."""
    path = folder / JOURNAL
    return path.read_text().count('"kind": "search"') if path.exists() else 0


def test_the_older_door_takes_the_older_spellings_and_can_be_interrupted_and_gone_on_with(home):
    slow = home / "slow_suite"
    slow.mkdir()
    for index in range(4):
        benchmark = Benchmark(f"slow{index}", "toy", {"targets": [index, 5, 3], "seconds": 0.004})
        (slow / f"{index}.json").write_text(benchmark.to_json())
    options = (f"--dataset={slow}", "--trainer=dqn.ApexTrainer", "--searches=greedy1,random", "--timeout=0.6")
    options = (*options, "--seeds=2", "--size=4", "--steps=10", "--debug", "--out=report")
    process = started(home, *options)
    while searches(home / "report") < 6:
        assert process.poll() is None, finished(process)
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    code, _, errors = finished(process)
    assert code == 130 and "report has what was measured; the same command goes on from there" in errors, errors
    before = searches(home / "report")
    assert 6 <= before < 16

    code, output, errors = finished(started(home, *options))
    assert code == 0, errors
    assert f"going on in report: {before} searches are done already" in output
    setting, lines = read_journal(home / "report")
    assert (setting["steps"], setting["seeds"], setting["methods"]) == ("10", "0 1", "greedy1 random")
    done = [(line["benchmark"], line["method"], line["seed"]) for line in lines if line["kind"] == "search"]
    assert len(done) == len(set(done)) == 16
    assert (home / "report" / "report.html").exists()
    assert len(list((home / "report" / "graphs").glob("*.svg"))) == 16


def test_nothing_needs_to_be_named_and_each_split_is_apart(home, capsys):
    assert compare(*QUICK, "--searches", "policy", "--split", "train", "test") == 0
    (folder,) = (home / "runs" / "first").glob("comparison-*")
    assert {path.name for path in folder.iterdir()} >= {JOURNAL, "report.html", "comparison.csv"}
    compared = {line["benchmark"] for line in read_journal(folder)[1]}
    train, test = ({each.name for each in part.benchmarks} for part in Suite.load(home / "toy_suite").split(0.5, 0))
    assert len(compared & train) == len(compared & test) == 2 and len(compared) == 4
    output = capsys.readouterr().out
    of_test, of_train = output.index("test: toy_suite:test:sample2"), output.index("train: toy_suite:train:sample2")
    for part in (output[of_test:of_train], output[of_train:]):
        assert "2 benchmarks of toy, 1 seed" in part and "random_10x has its own budget" in part


def test_without_a_policy_searches_are_compared_alone(home, capsys):
    (home / "runs").rename(home / "elsewhere")
    assert compare(*QUICK, "--dataset", "toy_suite", "--searches", "greedy1", "annealing") == 0
    (folder,) = (home / "runs").glob("comparison-*")
    setting, lines = read_journal(folder)
    assert (setting["policy"], setting["methods"], setting["steps"]) == ("nothing", "greedy1 annealing", "16")
    assert len({line["benchmark"] for line in lines}) == 2
    output = capsys.readouterr().out
    assert "no policy for toy here: searches and baselines alone" in output and "2 benchmarks of toy" in output
    assert "policy trained on" not in (folder / "report.html").read_text()
    for arguments, message in (
        (("--dataset", "toy_suite"), "no policy for 'toy' in runs/; train one"),
        (("--searches", "greedy1"), "no policy in runs/"),
        (("--dataset", "toy_suite", "--searches", "greedy1", "--trainer", "ppo"), "no policy for 'toy' by ppo"),
        (("--dataset", "toy_suite", "--searches", "greedy1", "--split", "train"), "no policy was trained on toy_suite"),
    ):
        assert compare(*QUICK, *arguments) == 2
        assert message in capsys.readouterr().err


def test_comparisons_of_a_shipped_policy_are_kept_among_the_runs(home, monkeypatch):
    """What is shipped may lie where nobody may write."""
    (home / "runs" / "first").rename(home / "toy")
    monkeypatch.setattr(shipped, "PRETRAINED", home)
    for path in (home / "toy" / "policy").iterdir():
        path.rename(home / "toy" / path.name)
    before = sorted((home / "toy").rglob("*"))
    assert compare(*QUICK, "--dataset", "toy_suite", "--searches", "greedy1") == 0
    (folder,) = (home / "runs").glob("comparison-*")
    assert (folder / "report.html").exists() and sorted((home / "toy").rglob("*")) == before


def test_help_names_every_search(capsys):
    assert compare("--help") == 0
    assert {*SEARCHES, *POLICY_SEARCHES} <= set(re.findall(r"\w+", capsys.readouterr().out))


def test_the_folder_is_the_one_with_the_same_comparison_unfinished(home):
    policy = Policy.load(home / "runs" / "first")
    suite = Suite.load(home / "toy_suite").sample(2)
    proof, other = (Proof.of(policy, {"": suite}, Budget(evaluations=number), ["greedy1"]) for number in (9, 8))
    old = home / "comparison-20200101-000000"

    def chosen(proof: Proof) -> Path:
        return comparison_folder(None, home, proof)

    assert chosen(proof) != old
    with Journal(old, proof.setting()) as journal:
        assert chosen(proof) == old and chosen(other) != old
        carry_out(Toy(), proof.plan, journal=journal)
    assert chosen(proof) != old, "it is complete"
    path = old / JOURNAL
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert chosen(proof) == old, "one benchmark's values are missing"
    path.write_text("something else")
    assert chosen(proof) != old


def test_a_folder_is_never_overwritten(home, capsys):
    greedy = Proof.of(Policy.load("runs/first"), {"": Suite.load("toy_suite")}, Budget(evaluations=9), ["greedy1"])
    Journal(home / "report", greedy.setting()).close()
    before = (home / "report" / JOURNAL).read_bytes()
    every = (*QUICK[:2], "--size", 12, *QUICK[4:], "--dataset", "toy_suite")
    assert compare(*every, "--searches", "greedy2", "--out", "report") == 2
    assert "methods was greedy1 and is now greedy2" in capsys.readouterr().err
    assert (home / "report" / JOURNAL).read_bytes() == before
    assert compare(*QUICK, "--searches", "greedy1", "--out", "runs") == 2
    assert "runs exists already and holds no comparison" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--searches", "gredy1"), "did you mean 'greedy1'"),
        (("--split", "tst"), "did you mean 'test'"),
        (("--seeds", 0), "--seeds is 0; it must be at least 1"),
        (("--workers", -1), "--workers is -1"),
        (("--workers", 4096), "4096 workers are not possible"),
        (("--timeout", -1), "a budget of -1.0 seconds is not possible"),
        (("--evaluations", 0), "a budget of 0 evaluations is not possible"),
        (("--trainer", "pppo"), "did you mean 'ppo'"),
        (("--trainer", "ppo.PPOTrainer"), "no policy by ppo in runs/"),
        (("--policy", "runs/first", "--trainer", "ppo"), "was trained by apex_dqn, not by ppo"),
        (("--policy", "runs/first", "--wandb_url", "a/b/c"), "both name a policy"),
        (("--policy", "runs"), "holds no policy"),
        (("--wandb_url", "https://example.org/a"), "runs are fetched from"),
        (("--dataset", "mm64_128_16_range"), "no policy for 'loop_nest'"),
        (("--dataset", "mm64_128_16_range", "--policy", "runs/first"), "for problem 'toy', not for 'loop_nest'"),
        (("--dataset", "other", "--split", "train"), "no policy was trained on other; leave out --split"),
        (("--dataset", "broken"), "needs 1 to 4 targets"),
    ],
)
def test_bad_input_is_one_line(home, capsys, arguments, message):
    for name, targets in (("other", [1]), ("broken", [])):
        (home / name).mkdir()
        (home / name / "one.json").write_text(Benchmark("one", "toy", {"targets": targets}).to_json())
    assert compare(*arguments) == 2
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1 and message in errors
    assert not list((home / "runs" / "first").glob("comparison-*"))


def test_what_was_trained_on_is_no_test_in_another_suite_either(home):
    policy, config = Policy.load("runs/first"), CompareConfig(dataset="more", size=100)
    (home / "more").mkdir()
    train, test = Suite.load("toy_suite").split(0.5, 0)
    for number, benchmark in enumerate([*train.benchmarks, *test.benchmarks[:2]]):
        (home / "more" / f"{number}.json").write_text(replace(benchmark, name=f"other{number}").to_json())
    chosen = chosen_suites(policy, config)["test"]
    assert [each.spec for each in chosen.benchmarks] == [each.spec for each in test.benchmarks[:2]]
    strange = replace(policy, provenance={**policy.provenance, "suite_hash": "another"})
    assert len(chosen_suites(strange, config)["test"].benchmarks) == 8, "what it was trained on can't be known"
    for number in (6, 7):
        (home / "more" / f"{number}.json").unlink()
    with pytest.raises(UserError, match="trained on every benchmark"):
        chosen_suites(policy, config)


def test_a_suite_that_has_changed_is_not_taken_for_what_was_trained_on(home, capsys):
    (home / "toy_suite" / "new.json").write_text(Benchmark("new", "toy", {"targets": [1]}).to_json())
    assert compare(*QUICK) == 2
    assert "is not what it was when the policy was trained on it" in capsys.readouterr().err


def test_no_room_for_the_report_keeps_what_was_measured(home, capsys, file_size_limit):
    with file_size_limit(10_000):
        assert compare(*QUICK, "--searches", "greedy1", "greedy2", "--out", "report") == 2
    assert "the report in report can't be written: File too large" in capsys.readouterr().err
    assert searches(home / "report") == 4
    assert not (home / "report" / "report.html").exists()


def test_the_problem_may_be_named_and_must_fit(home, capsys):
    assert compare("--problem", "streaming_engine") == 2
    assert "no policy for 'streaming_engine'" in capsys.readouterr().err
    assert compare("--problem", "streaming_engine", "--dataset", home / "no") == 2
    assert compare("--problem", "toy", "--dataset", "streaming_engine") == 2
    assert "is of problem 'streaming_engine', not 'toy'" in capsys.readouterr().err
    assert compare("--problem", "toys") == 2
    assert "did you mean 'toy'" in capsys.readouterr().err


def test_a_policy_that_was_trained_on_everything_has_nothing_to_be_compared_on(home, capsys):
    known = Policy.load(home / "runs/first")
    env = {**known.provenance["env"], "split": "all", "test_share": 0.0}
    replace(known, provenance={**known.provenance, "env": env}).save(home / "runs/all/policy")
    assert compare("--policy", home / "runs/all", *QUICK) == 2
    assert "was trained on every benchmark" in capsys.readouterr().err
