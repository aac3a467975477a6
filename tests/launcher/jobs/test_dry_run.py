"""What a launch would submit, to the letter. UPDATE_GOLDEN=1 writes the files anew: read the difference then."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from launcher import cli
from launcher.tracking import account
from models.store.run_directory import RunDirectory
from tests.conftest import ROOT

GOLDEN = Path(__file__).parent / "golden"
TRAIN = ("--dataset=mm64_128_16_range", "--iter=1", "--eval_size=5", "--eval_time=10")
LAUNCHES = {
    "readme": ("--app=rllib_agent.py", "--time=1:00:00", "-nc=80", "-ng=2", "--trainer=dqn.ApexTrainer", "--steps=10"),
    "two_nodes": ("-n", "2", "-p", "gpu", "-q", "high", "--account=ml", "--constraint=a100&nvlink", "--mem=64G"),
    "seeds": ("--jobs=4", "--array=2", "--seed=7"),
    "sweep": ("--sweep=3", "--trainer=ppo", "--trainer-settings", "gae_lambda=0.9"),
    "no_requeue": ("--no-requeue", "--no-snapshot", "--time=2-12", "-w", "n[1-4],n7", "-m", "me@example.org"),
    "site": (f"--profile={ROOT / 'slurm' / 'profiles' / 'devcluster.yaml'}", "--sbatch", "reservation=maintenance"),
    "named": ("--name=night.run-1", "--load-env=/etc/profile", "--signal-delay=300", "--time=90"),
}


def dry_run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(["launch", "--dry-run", *arguments])
        raise SystemExit(0)
    return int(ended.value.code or 0)


def normalised(text: str, runs: Path) -> str:
    for found, written in ((str(runs), "RUNS"), (sys.executable, "PYTHON"), (str(ROOT), "ROOT")):
        text = text.replace(found, written)
    return re.sub(r"\d{8}-\d{6}", "TIME", text)


@pytest.mark.parametrize("name", LAUNCHES)
def test_script(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert dry_run(f"--runs={tmp_path}", *TRAIN, *LAUNCHES[name]) == 0
    found = normalised(capsys.readouterr().out, tmp_path)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found)
    assert found == path.read_text()
    assert not list(tmp_path.iterdir()), "a dry run writes nothing"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--app=rllib_agnet.py",), "unknown application 'rllib_agnet.py'; did you mean 'rllib_agent.py'?"),
        (("--dataset=mm64_128",), "mm64_128"),
        (("--trainer=dqn.ApexTrianer",), "did you mean 'dqn.ApexTrainer'?"),
        (("--iter=0",), "--iter is 0; it must be at least 1"),
        (("--resume=/no/such/run",), "run directory /no/such/run does not exist"),
        (("--name=$(reboot)",), "--name is '$(reboot)'"),
        (("--fork",), "--fork is not for jobs"),
        (("--resume=a_run", "--fork"), "--fork is not for jobs"),
        (("--config=resume.toml",), "a_run stands in the configuration file; name it with tunewright launch --resume"),
        (("--wandb=online",), "--wandb online needs a key that jobs find: run `wandb login`, or write the key"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a folder with a run and a configuration file, and a key in the environment only."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    monkeypatch.delenv("LOOP_TOOL_ROOT", raising=False)
    monkeypatch.setattr(account, "_hidden", [])
    Path("resume.toml").write_text('resume = "a_run"\n')
    RunDirectory.create_at(Path("a_run"), {"config": {"dataset": TRAIN[0].partition("=")[2]}})
    assert dry_run(*TRAIN, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and message in line


def test_the_applications_own_options_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert dry_run(*TRAIN, "--no-such-option=1") == 2
    assert "no-such-option" in capsys.readouterr().err


LOADING = """
import logging, os
from launcher.jobs.submission import load_submitit

class Handler(logging.Handler):
    closed = False
    def close(self):
        Handler.closed = True

handler = Handler()
load_submitit()
assert not Handler.closed and "SUBMITIT_LOG_LEVEL" not in os.environ
"""


def test_submitit_does_not_close_what_others_log_to() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SUBMITIT_LOG_LEVEL"}
    subprocess.run([sys.executable, "-c", LOADING], check=True, cwd=ROOT, env=environment)
