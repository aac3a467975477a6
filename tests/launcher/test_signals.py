"""Signals to a real training: what was learnt is saved at once, and no process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.checkpoint import Checkpoint
from models.policy import Policy
from models.store.run_directory import RunDirectory
from rllib_envs.problem import Benchmark
from tests.processes import command_lines, left_of

TUNEWRIGHT = Path(sys.executable).with_name("tunewright")
SLOW_SECONDS = 0.3
"""An iteration of PPO has 1024 steps and some 200 evaluations, so it takes about a minute."""


@pytest.fixture
def slow_suite(tmp_path: Path) -> Path:
    folder = tmp_path / "slow_suite"
    folder.mkdir()
    for index in range(12):
        targets = [(3 * index + 2) % 8, (5 * index + 1) % 8, index % 5]
        benchmark = Benchmark(f"slow{index}", "toy", {"targets": targets, "seconds": SLOW_SECONDS})
        (folder / f"{index}.json").write_text(benchmark.to_json())
    return folder


def at_home(folder: Path) -> dict[str, str]:
    """RLlib leaves an empty folder in the home directory when its process is ended at once."""
    return {**os.environ, "HOME": str(folder), "LOOP_TOOL_ROOT": ""}


def training(suite: Path, home: Path, *options: str) -> tuple[subprocess.Popen[str], RunDirectory]:
    """A training in the middle of its first iteration."""
    command = [TUNEWRIGHT, "train", "--dataset", suite, "--minutes", "5", "--eval-size", "0", *options]
    process = subprocess.Popen(
        command, cwd=home, env=at_home(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in process.stdout:
        if line.startswith("run directory: "):
            run = RunDirectory(home / line.split(": ")[1].strip())
            break
    while not run.records.exists() or run.records.read_text().count("\n") < 10:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    return process, run


@pytest.mark.parametrize(
    ("sent", "runners", "trainer"),
    [(signal.SIGINT, "0", "ppo"), (signal.SIGTERM, "1", "ppo"), (signal.SIGUSR2, "1", "dqn")],
)
def test_a_signal_in_a_long_iteration_saves_soon(slow_suite, tmp_path, sent, runners, trainer):
    process, run = training(slow_suite, tmp_path, "--env-runners", runners, "--trainer", trainer)
    started = command_lines(process.pid)
    began = time.monotonic()
    process.send_signal(sent)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors.strip().endswith("interrupted"), errors
    assert time.monotonic() - began < 30
    assert f"{sent.name}: saving" in output and "iteration 1" not in output
    assert len(started) > 2 and not left_of(started)
    assert Checkpoint.read(run.last_checkpoint()).counters.seconds > 0
    assert Policy.load(run.path).problem == "toy"
    assert not list(run.path.rglob(".*"))


def test_a_second_ctrl_c_ends_at_once(slow_suite, tmp_path):
    process, run = training(slow_suite, tmp_path, "--env-runners", "1")
    started = command_lines(process.pid)
    process.send_signal(signal.SIGINT)
    for line in process.stdout:
        if line.startswith("SIGINT: saving"):
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "ended at once" in errors
    assert not left_of(started)
    path, wrong = run.checkpoints.last_whole()
    assert not wrong and (path is None or Checkpoint.read(path))


@pytest.mark.parametrize("moment", ["raylet", "runtime_env", "ray::IDLE"])
def test_a_signal_before_training_leaves_no_run(slow_suite, tmp_path, moment):
    """While Ray's own processes start, while its agents do, and when the first worker is there."""
    command = [TUNEWRIGHT, "train", "--dataset", slow_suite, "--eval-size", "0", "--env-runners", "1"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=at_home(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not any(moment in line for line in command_lines(process.pid).values()):
        assert process.poll() is None
        time.sleep(0.02)
    assert list(tmp_path.glob("runs/*/run.json"))
    started = command_lines(process.pid)
    os.kill(process.pid, signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and errors == "interrupted\n"
    assert not left_of(started) and not (tmp_path / "runs").exists()
