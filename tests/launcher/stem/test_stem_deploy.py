"""`launcher/stem_sharing.py executor` as a process, and `deploy` to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from rllib_envs.stem_sharing.executor.simulator import Simulator
from rllib_envs.stem_sharing.task import Task
from tests.conftest import ROOT
from tests.launcher.test_stem_sharing import run
from tests.rllib_envs.stem_sharing.stem_models import base_network, write_applications
from tests.rllib_envs.stem_sharing.tasks import three_applications
from tests.rllib_envs.stem_sharing.test_executor import serving


@contextmanager
def executor(*arguments: str) -> Iterator[str]:
    """The address of an executor, which SIGTERM ends."""
    command = [sys.executable, str(ROOT / "launcher" / "stem_sharing.py"), "executor", *arguments]
    with subprocess.Popen(
        [*command, "--address", "tcp://127.0.0.1:*"],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
    ) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            assert line.startswith("listening at tcp://127.0.0.1:")
            yield line.split()[-1]
        finally:
            process.terminate()
            assert process.wait(20) == 128 + signal.SIGTERM


def written(path: Path, task: Task) -> str:
    apps = [app.to_spec() for app in task.applications]
    path.write_text(json.dumps({"apps": apps, "video_desc": {"stream_fps": 15}, "model_desc": task.network.to_spec()}))
    return str(path)


def test_deploying_to_a_simulator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setup = written(tmp_path / "setup.json", three_applications())
    with executor("--capacity", "70", "--setup", setup) as address:
        assert run("deploy", setup, "-b", "400", "--address", address) == 0
        printed = capsys.readouterr().out.splitlines()
        turns = [line for line in printed if line.startswith("turn ")]
        assert len(turns) > 1 and turns[0].endswith(": not as planned") and turns[-1].endswith(": as planned")
        assert sum(line.startswith("  app_") for line in printed) == 3
    with serving(Simulator(three_applications().network, 1.0)) as address:
        assert run("deploy", setup, "-b", "400", "--address", address) == 4
        told = capsys.readouterr()
        assert told.out.count("turn ") == 10 and told.err.startswith("error: after 10 turns")


def test_deploying_what_a_trainer_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apps = write_applications(tmp_path, [[0, 4, 9], [0, 4, 9], [4, 9]])
    setup = written(tmp_path / "setup.json", Task(apps, base_network(), 1e3, 15))
    results = tmp_path / "seen.jsonl"
    given = ("--models", str(tmp_path), "--window", "0.5", "--results", str(results))
    with executor(*given) as address:
        assert run("deploy", setup, "-b", "80", "--address", address) in (0, 4), "4 on a machine without time for it"
        assert "app_2: freeze point" in capsys.readouterr().out
    seen = [json.loads(line) for line in results.read_text().splitlines()]
    assert {one["app_id"] for one in seen} == {"app_0", "app_1", "app_2"}
    assert {one["label"] for one in seen} <= {"bus", "car", "nothing"}


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (("deploy", "SETUP", "-b", "400", "--timeout", "0"), "--timeout is 0", 2),
        (("deploy", "SETUP", "-b", "400", "--timeout", "inf"), "--timeout is inf", 2),
        (("deploy", "SETUP", "-b", "400", "--address", "nowhere"), "'nowhere' is no address", 2),
        (("deploy", "SETUP", "-b", "400", "--address", "tcp://127.0.0.1:1", "--timeout", "1"), "there after 1 s", 4),
        (("executor", "--models", "nowhere"), "--models nowhere is no folder", 2),
        (("executor", "--video", "nowhere"), "nowhere is no folder of images", 2),
        (("executor", "--address", "tcp://127.0.0.1:no"), "can't be listened at", 2),
        (("executor", "--address", "tcp://0.0.0.0:5555"), "give both sides a --token", 2),
        (("executor", "--token", "short"), "has 5 characters", 2),
        (("executor", "--token", "nowhere"), "the token nowhere can't be read", 2),
        (("executor", "--capacity", "3"), "needs --setup", 2),
        (("executor", "--capacity", "nan", "--setup", "SETUP"), "--capacity is nan", 2),
        (("executor", "--window", "0"), "--window is 0", 2),
        (("executor", "--threads", "0"), "--threads is 0", 2),
        (("executor", "--results", "nowhere/x"), "--results nowhere/x can't be written", 2),
    ],
)
def test_bad_input(
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    setup = written(tmp_path / "setup.json", three_applications())
    (tmp_path / "short").write_text("guess\n")
    threads = torch.get_num_threads()
    assert run(*(setup if argument == "SETUP" else argument for argument in arguments)) == code
    told = capsys.readouterr().err
    assert message in told and told.startswith("error: ") and told.count("\n") == 1
    assert torch.get_num_threads() == threads, "what is trained next in this process depends on it"
