"""`python eval/driver.py -m learn -c config.json`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.driver import main
from eval.kernel_tuners.learning import read_learning_config
from models.ga_dqn.knowledge import read_knowledge
from models.ga_dqn.options import FORECAST
from models.ga_dqn.settings import GADQNSettings
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.problem import Benchmark
from tests.conftest import ROOT

TRIALS = 24


def config(**fields: object) -> str:
    return json.dumps({"learning": fields})


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    for m in (8, 16):
        task = KernelTask.from_spec({"operator": "dense", "sizes": {"m": m, "n": 8, "k": 4}})
        (folder / f"dense{m}.json").write_text(task.to_benchmark(f"dense{m}").to_json())
    return folder


def test_the_example_is_valid() -> None:
    assert read_learning_config(str(ROOT / "eval" / "config-example.json")).dataset == "kernel_tuning_random"


def test_what_was_learnt_is_for_other_kernels_and_nothing_is_measured_again(
    suite: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = config(dataset=str(suite), trials=TRIALS, save_path=str(tmp_path / "out"))
    learnt, measured = [], []
    for _ in range(2):
        main(["-m", "learn", "-c", text])
        assert f"what was learnt of 2 kernels is in {tmp_path / 'out' / 'knowledge'}" in capsys.readouterr().out
        learnt.append(read_knowledge(tmp_path / "out" / "knowledge", GADQNSettings()))
        measured.append([(path.name, path.read_text()) for path in sorted((tmp_path / "out" / "measured").iterdir())])
    assert measured[0] == measured[1] and [text.count("\n") for _, text in measured[0]] == [1 + TRIALS] * 2
    assert learnt[0][FORECAST]["rows"].shape[0] == 2 * TRIALS
    for name, arrays in learnt[0].items():
        assert all((array == learnt[1][name][key]).all() for key, array in arrays.items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", 'lacks the object "learning"'),
        (config(trial=3), "did you mean 'trials'"),
        (config(passes=0), 'field "passes" of learning is 0'),
        (config(dataset="kernel_tunin"), "did you mean 'kernel_tuning'"),
        (config(dataset="toys"), "GA-DQN learns from kernel_tuning"),
    ],
)
def test_what_is_wrong_is_one_line(
    text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toys").mkdir()
    (tmp_path / "toys" / "one.json").write_text(Benchmark("one", "toy", {"targets": [1]}).to_json())
    with pytest.raises(SystemExit) as ended:
        main(["-m", "learn", "-c", text])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and said in error and error.count("\n") == 1
    assert not (tmp_path / "results").exists()


def test_its_place_can_be_moved() -> None:
    moved = read_learning_config(config(save_path="here")).within(Path("/there"))
    assert moved.save_path == "/there/here"
    with pytest.raises(UserError, match="not JSON"):
        read_learning_config("{")
