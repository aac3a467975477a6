"""The `tunewright` command as a person types it, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launcher import cli
from models.policy import Policy
from tests.conftest import ROOT

TUNEWRIGHT = Path(sys.executable).with_name("tunewright")


def tunewright(*arguments, cwd, environment=None, program=(TUNEWRIGHT,)):
    command = [*map(str, program), *map(str, arguments)]
    env = {**os.environ, **(environment or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=cwd, env=env)


def one_line(run, code, message):
    assert run.returncode == code, run.stderr
    assert run.stderr.count("\n") == 1 and message in run.stderr, run.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder in which a small policy for loop nests was trained, and what the command printed."""
    home = tmp_path_factory.mktemp("home")
    program = (sys.executable, ROOT / "launcher" / "rllib_agent.py")
    options = ("--iter=2", "--dataset=mm64_128_16_range", "--trainer=ppo.PPOTrainer", "--steps=8")
    sizes = ("--eval_size=2", "--eval_time=0.2", "--size=20")
    run = tunewright(*options, *sizes, cwd=home, program=program)
    assert run.returncode == 0, run.stderr
    return home, run.stdout


@pytest.mark.parametrize(
    "program", ["cli", "slurm_launch", "rllib_agent", "streaming_engine", "network_scaling", "stem_sharing", "client"]
)
def test_programs_start_without_what_only_some_commands_need(program):
    """PyTorch alone would make each of them start three times as slowly."""
    heavy = ("torch", "ray", "wandb", "tvm", "matplotlib", "pandas", "pyarrow", "scipy", "sklearn", "submitit")
    check = f"import sys, launcher.{program}; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout == "[]\n", run.stderr


def test_the_version(tmp_path):
    run = tunewright("--version", cwd=tmp_path)
    assert run.returncode == 0 and re.fullmatch(r"tunewright \d+\.\d+\.\d+\n", run.stdout)


def test_training_leaves_a_complete_run(trained):
    home, output = trained
    (path,) = (home / "runs").iterdir()
    assert f"Saved at: runs/{path.name}" in output and "iteration 2" in output
    record = json.loads((path / "run.json").read_text())
    assert record["settings"]["env"]["horizon"] == 8 and record["settings"]["seed"] == 0 and record["suite_hash"]
    rows = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    assert [row["iteration"] for row in rows] == [1, 2] and rows[1]["env_steps"] > rows[0]["env_steps"]
    assert Policy.load(path).horizon == 8
    names = {file.name for file in (path / "report").iterdir()}
    assert {"report.html", "comparison.csv", "comparison.parquet", "summary.png", "bars.png", "violin.png"} <= names


def test_training_never_saw_what_it_is_proved_on(trained):
    home, _ = trained
    (path,) = (home / "runs").iterdir()
    policy = Policy.load(path)
    rows = (path / "report" / "comparison.csv").read_text().splitlines()[1:]
    from rllib_envs.suite import Suite

    train = {benchmark.name for benchmark in Suite.select(policy.provenance["env"]).benchmarks}
    assert len(train) == 16 and not train & {row.split(",")[0] for row in rows}


def test_tune_shows_each_step_beside_numpy(trained):
    home, _ = trained
    run = tunewright("tune", "mm", "72x40x56", cwd=home)
    assert run.returncode == 0, run.stderr
    assert "mm72_40_56" in run.stdout and re.search(r"verified: .* GFLOPS, \d+% of the peak", run.stdout)
    *_, ratio = re.findall(r"([\d.]+)x untuned", run.stdout)
    assert float(ratio) >= 1 and "x numpy" in run.stdout


def test_tune_reads_a_benchmark_file(trained):
    home, _ = trained
    run = tunewright("tune", ROOT / "datasets/mm64_128_16_range/mm64_80_96.json", cwd=home)
    assert run.returncode == 0 and "mm64_80_96" in run.stdout, run.stderr


def test_tune_searches_where_there_is_no_policy(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOP_TOOL_ROOT", raising=False)
    cli.main(["tune", "mm", "72x40x56", "--seconds", "1", "--emit", "kernel.so"])
    printed = capsys.readouterr().out
    assert "mm72_40_56, no policy for loop_nest here; annealing, 1 s" in printed
    *_, ratio = re.findall(r"([\d.]+)x untuned", printed)
    assert float(ratio) >= 1 and "x numpy" in printed
    assert {path.name for path in tmp_path.iterdir()} == {"kernel.so", "kernel.h", "load_kernel.py"}


def test_tune_decides_by_the_shipped_policy_where_there_is_no_other(tmp_path):
    run = tunewright("tune", "mm", "72x40x56", cwd=tmp_path, environment={"LOOP_TOOL_ROOT": ""})
    assert run.returncode == 0, run.stderr
    assert f"policy {ROOT}/models/pretrained/loop_nest" in run.stdout
    assert re.search(r"it expects [\d.]+ GFLOPS and comes to [\d.]+", run.stdout) and not list(tmp_path.iterdir())
    *_, ratio = re.findall(r"([\d.]+)x untuned", run.stdout)
    assert float(ratio) >= 1


def test_compare_uses_the_held_out_part_and_never_mixes_two_comparisons(trained, tmp_path):
    home, _ = trained
    options = ("--dataset", "mm64_128_16_range", "--size", 2, "--timeout", 0.1, "--searches", "policy,random")
    options += ("--baselines", "numpy")
    run = tunewright("compare", *options, "--seeds", 2, "--out", tmp_path / "report", cwd=home)
    assert run.returncode == 0 and "policy over random" in run.stdout, run.stderr
    assert (tmp_path / "report" / "report.html").exists()
    again = tunewright("compare", *options, "--out", tmp_path / "report", cwd=home)
    one_line(again, 2, "seeds was 0 1 and is now 0 1 2")


def test_another_problem_needs_nothing_else(toy_suite, tmp_path):
    options = ("--dataset", toy_suite, "--iter", 2, "--steps", 12, "--eval-size", 2, "--eval-time", 0.05)
    run = tunewright("train", *options, cwd=tmp_path, environment={"LOOP_TOOL_ROOT": str(tmp_path / "root")})
    assert run.returncode == 0, run.stderr
    (path,) = (tmp_path / "root" / "runs").iterdir()
    assert Policy.load(path).problem == "toy" and not (tmp_path / "runs").exists()
    listed = tunewright("records", path, "--best", cwd=tmp_path)
    assert listed.returncode == 0 and "share" in listed.stdout, listed.stderr


def test_an_interrupt_keeps_what_was_learnt(toy_suite, tmp_path):
    command = [TUNEWRIGHT, "train", "--dataset", toy_suite, "--minutes", "5", "--records", "shared.jsonl"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if line.startswith("iteration 2"):
            break
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and time.monotonic() - began < 30, errors
    (path,) = (tmp_path / "runs").iterdir()
    assert Policy.load(path).provenance["iteration"] >= 2
    assert list((path / "checkpoints").glob("0*/learner.safetensors"))
    listed = tunewright("records", path, "--limit", 1, cwd=tmp_path)
    measured = (tmp_path / "shared.jsonl").read_text().count("\n")
    assert f"1 of {measured} records" in listed.stdout and not (path / "records.jsonl").exists(), listed.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("train", "--dataset", "mm64_128_16_rang"), 2, "did you mean 'mm64_128_16_range'"),
        (("train", "--dataset", "mm64_128_16_range", "--trainer", "pppo"), 2, "did you mean 'ppo'"),
        (("train", "--dataset", "mm64_128_16_range", "--actions", "up,dwn"), 2, "did you mean 'down'"),
        (("train", "--dataset", "mm64_128_16_range", "--trainer-settings", "epoch=2"), 2, "did you mean 'epochs'"),
        (("train", "--dataset", "mm64_128_16_range", "--trainer-settings", "epochs=2.5"), 2, "give a whole number"),
        (("train", "--dataset", "mm64_128_16_range", "--encoder", "transformr"), 2, "did you mean 'transformer'"),
        (("train", "--dataset", "mm64_128_16_range", "--encoder-width", 0), 2, "width is 0"),
        (("train", "--dataset", "mm64_128_16_range", "--sweep", -1), 2, "at least 0"),
        (("train", "--config", "nowhere.toml"), 2, "nowhere.toml can't be read"),
        (("train", "--dataset", "mm64_128_16_range", "--test-share", 1.5), 2, "between 0 and 1"),
        (("train", "--dataset", "mm64_128_16_range", "--iter", 0), 2, "at least 1"),
        (("train", "--dataset", "mm64_128_16_range", "--minutes", -1), 2, "must be positive"),
        (("train", "--dataset", "mm64_128_16_range", "--env-runners", -1), 2, "at least 0"),
        (("train", "--dataset", "mm64_128_16_range", "--records", "."), 2, "is a folder"),
        (("records", "nowhere"), 2, "nowhere does not exist"),
        (("train", "--dataset", "."), 2, "holds no benchmark"),
        (("train", "--dataset", "mm64_128_16_range", "--problem", "loopnest"), 2, "did you mean 'loop_nest'"),
        (("train", "--dataset", "mm64_128_16_range", "--problem", "toy"), 2, "is of problem 'loop_nest', not 'toy'"),
        (("tune", "mm", "64x64"), 2, "needs 3 sizes (m, n, k)"),
        (("tune", "mm", "64x64x0", "--policy", "nowhere"), 2, "nowhere does not exist"),
        (("tune", "mn", "64x64x64"), 2, "unknown kind"),
        (("tune", "mm", "64x64x64", "--seconds", 0), 2, "--seconds is 0; give more than 0"),
        (("tune", "nowhere.json"), 2, "does not exist"),
        (
            ("compare", "--dataset", "mm64_128_16_range", "--trainer", "impala"),
            2,
            "no policy for 'loop_nest' by impala",
        ),
        (("compare",), 2, "no policy in"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, arguments, code, message):
    one_line(tunewright(*arguments, cwd=tmp_path, environment={"LOOP_TOOL_ROOT": ""}), code, message)
    assert not list(tmp_path.iterdir())


def test_a_corrupt_policy_is_one_line(trained, tmp_path):
    home, _ = trained
    Policy.load(next((home / "runs").iterdir())).save(tmp_path / "policy")
    weights = tmp_path / "policy" / "policy.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    one_line(tunewright("tune", "mm", "64x64x64", "--policy", tmp_path / "policy", cwd=home), 2, "policy.safetensors")


def test_debug_shows_the_traceback(tmp_path):
    run = tunewright("train", "--dataset", "nowhere", "--debug", cwd=tmp_path)
    assert run.returncode == 1 and "Traceback" in run.stderr and "nowhere" in run.stderr


def test_a_missing_package_is_named(tmp_path):
    (tmp_path / "ray.py").write_text("raise ImportError('No module named ray', name='ray')")
    environment = {"PYTHONPATH": str(tmp_path), "LOOP_TOOL_ROOT": str(tmp_path)}
    run = tunewright(
        "train", "--dataset", "mm64_128_16_range", "--iter", 1, "--size", 5, cwd=tmp_path, environment=environment
    )
    one_line(run, 3, "pip install 'tunewright[train]'")
    assert not (tmp_path / "runs").exists()
