"""Train policies that tune machine-learning systems, apply them, and prove them against searches."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Any

import tyro

from launcher.comparison.compare import CompareConfig, run_compare
from launcher.dashboard import DashboardConfig, run_dashboard
from launcher.doctor import DoctorConfig, run_doctor
from launcher.export import ExportConfig, run_export
from launcher.jobs.config import LaunchConfig, parse_launch
from launcher.jobs.launch import run_launch
from launcher.jobs.watch import CancelConfig, JobsConfig, LogsConfig, run_cancel, run_jobs, run_logs
from launcher.program import carry_out
from launcher.records import RecordsConfig, run_records
from launcher.replay import ReplayConfig, run_replay
from launcher.tracking.sync import SyncConfig, run_sync
from launcher.training.config import TrainConfig
from launcher.training.config_file import parse_train
from launcher.training.train import run_train
from launcher.tuning.tune import TuneConfig, run_tune
from launcher.usage import one_line_usage_of

COMMANDS: dict[type[Any], Callable[[Any], None]] = {
    TrainConfig: run_train,
    TuneConfig: run_tune,
    CompareConfig: run_compare,
    ReplayConfig: run_replay,
    ExportConfig: run_export,
    SyncConfig: run_sync,
    DashboardConfig: run_dashboard,
    JobsConfig: run_jobs,
    LogsConfig: run_logs,
    CancelConfig: run_cancel,
    RecordsConfig: run_records,
    DoctorConfig: run_doctor,
}
NAMES: dict[str, Callable[..., Any]] = {
    "train": TrainConfig,
    "launch": LaunchConfig,
    "jobs": JobsConfig,
    "logs": LogsConfig,
    "cancel": CancelConfig,
    "tune": TuneConfig,
    "compare": CompareConfig,
    "replay": ReplayConfig,
    "export": ExportConfig,
    "sync": SyncConfig,
    "dashboard": DashboardConfig,
    "records": RecordsConfig,
    "doctor": DoctorConfig,
}


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the console script. Exit codes: 0 done, 2 bad input, 3 missing package, 4 failed, 130 Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["--version"]:
        print(f"tunewright {version('tunewright')}")
        return
    if arguments[:1] == ["launch"]:
        launch(arguments[1:], prog="tunewright launch")
        return
    if arguments[:1] == ["train"]:
        config: Any = parse_train(arguments[1:], prog="tunewright train")
    else:
        with one_line_usage_of(NAMES, "tunewright", arguments):
            config = tyro.extras.subcommand_cli_from_dict(NAMES, prog="tunewright", description=__doc__, args=arguments)
    run(config)


def run(config: Any) -> None:
    """Carry out one command."""
    carry_out(COMMANDS[type(config)], config)


def launch(arguments: list[str], prog: str, description: str | None = None) -> None:
    """Carry out `launch`, which passes on what it doesn't know to the application."""
    config, rest = parse_launch(arguments, prog, description)
    carry_out(partial(run_launch, arguments=rest), config)


if __name__ == "__main__":
    main()
