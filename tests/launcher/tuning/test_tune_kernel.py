"""`tunewright tune kernel_tuning kernel.json`: a policy's kernel, verified, and as a tuning record of TVM."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from eval.network_tuning.allotment import Standing
from launcher.cli import main
from launcher.tuning.kernel import _show
from models import shipped
from models.encoders.config import EncoderConfig
from models.ga_dqn.knowledge import write_knowledge
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import GADQNTuner
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.problem import KernelTuning
from rllib_envs.kernel_tuning.synthetic import TASKS
from rllib_envs.kernel_tuning.task import KernelTask
from tests.models.ga_dqn.tuners import play
from tests.models.toy_policies import untrained

TASK = KernelTask.from_spec({"operator": "dense", "sizes": {"m": 64, "n": 64, "k": 64}})


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "kernel.json"
    path.write_text(TASK.to_benchmark("small").to_json())
    return path


def test_a_policy_tunes_a_kernel(kernel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem = KernelTuning()
    policy = untrained("actor_critic", EncoderConfig("scorer", width=32), problem=problem).save(tmp_path / "policy")
    main(["tune", "kernel_tuning", str(kernel), "--policy", str(policy), "--emit", str(tmp_path / "records")])
    printed = capsys.readouterr().out
    assert "verified: " in printed and "GFLOPS" in printed and "unroll_explicit_3" in printed
    (line,) = (tmp_path / "records" / "database_tuning_record.json").read_text().splitlines()
    assert json.loads(line)[1][1][0] > 0, "seconds"


def test_a_policy_has_a_few_schedules_tried_and_with_time_they_are_where_ga_dqn_begins(
    kernel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = untrained("actor_critic", EncoderConfig("scorer", width=32), problem=KernelTuning()).save(tmp_path / "p")
    main(["tune", "kernel_tuning", str(kernel), "--policy", str(policy)])
    printed = capsys.readouterr().out
    assert f"small, policy {policy}; its best schedule and 7 others" in printed and "with 8 trials" in printed
    main(["tune", "kernel_tuning", str(kernel), "--policy", str(policy), "--budget", "6s"])
    printed = capsys.readouterr().out
    assert f"small, policy {policy}; GA-DQN searches" in printed
    assert int(printed.split("with ")[-1].split(" trials")[0]) > 8


def test_what_is_slower_than_without_a_schedule_is_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with MeasuringCrew(1) as crew:
        space = crew.open(TASK).space
        gene = space.random(np.random.default_rng(0))
        _show(TASK, space, Standing(TASK, 1, untuned=1e-12, best=1e-3, schedule=gene), crew, tmp_path / "records")
    assert "TVM without a schedule is faster; it stays without one" in capsys.readouterr().out
    assert not (tmp_path / "records").exists()


def test_without_a_policy_ga_dqn_tunes(kernel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["tune", "kernel_tuning", str(kernel), "--seconds", "2", "--emit", str(tmp_path / "records")])
    printed = capsys.readouterr().out
    assert "small, no policy for kernel_tuning here; GA-DQN searches" in printed
    assert "verified: " in printed and "over TVM without a schedule" in printed and "unroll_explicit_3" in printed
    (line,) = (tmp_path / "records" / "database_tuning_record.json").read_text().splitlines()
    assert json.loads(line)[1][1][0] > 0, "seconds"


def test_knowledge_that_comes_with_the_package_is_used_and_its_processor_named(
    kernel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "PRETRAINED", tmp_path / "pretrained")
    (tmp_path / "pretrained" / "kernel_tuning").mkdir(parents=True)
    tuner = GADQNTuner(TASKS[0].space, 0, 32, GADQNSettings())
    play(tuner, 32, TASKS[0])
    origin = {"measured_on": "Another Processor 1/2/3, TVM 0.1, kernels 12345678"}
    write_knowledge(tmp_path / "pretrained/kernel_tuning/knowledge", tuner.knowledge(), GADQNSettings(), origin)
    main(["tune", "kernel_tuning", str(kernel), "--seconds", "2"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "genes with what it knows of other kernels, as they are on Another Processor 1/2/3" in printed
    assert "verified: " in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "kernel_tuning needs a benchmark file"),
        (("nowhere.json",), "nowhere.json does not exist"),
        (("kernel.json", "--policy", "nowhere"), "nowhere"),
        (("kernel.json", "--seconds", "0"), "--seconds is 0"),
        (("kernel.json", "--emit", "kernel.json"), "--emit kernel.json is a file"),
        (("other.json",), "is a benchmark of problem 'toy'"),
    ],
)
def test_what_is_wrong_is_said(kernel: Path, capsys: pytest.CaptureFixture[str], arguments, words: str) -> None:
    kernel.with_name("other.json").write_text('{"name": "dials", "problem": "toy", "spec": {"targets": [1]}}')
    with pytest.raises(SystemExit) as end:
        main(["tune", "kernel_tuning", *arguments])
    error = capsys.readouterr().err
    assert end.value.code == 2 and words in error and error.count("\n") == 1
