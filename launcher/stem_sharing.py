"""Run many applications on one video stream, which share the layers that they keep of one network.

python launcher/stem_sharing.py train bus finetune.ini models/ logs/ all images/bus/
python launcher/stem_sharing.py setup setup.json models/ logs/*-accuracy
python launcher/stem_sharing.py schedule setup.json --budget 350 --emit nets.json
python launcher/stem_sharing.py experiment 10 results/night --setup setup.json
python launcher/stem_sharing.py executor --models models/
python launcher/stem_sharing.py deploy setup.json --budget 350
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rich.table import Table

from launcher.cli import run_program
from launcher.stem_deploy import run_deploy, run_executor
from launcher.stem_experiment import run_experiment
from launcher.stem_options import (
    DeployOptions,
    ExecutorOptions,
    ExperimentOptions,
    LatencyOptions,
    ScheduleOptions,
    SetupOptions,
    StemTrainOptions,
)
from launcher.stem_setup import read_setup, run_setup
from launcher.tables import print_table
from rllib_envs.stem_sharing.nets import nets


def run_schedule(options: ScheduleOptions) -> None:
    """Print a schedule and what it is expected to do; exit code 2 where the budget is too little for any."""
    scheduler = read_setup(options.setup).scheduler(options, options.mode)
    apps, network = scheduler.applications, scheduler.network
    schedule = scheduler.schedule(options.budget)
    report = scheduler.report(schedule)
    losses = scheduler.task(options.budget).app_losses(schedule)
    table = Table(box=None, pad_edge=False)
    for column in ("application", "freeze point", "frames/s", f"loss ({options.metric})"):
        table.add_column(column, justify="left" if column == "application" else "right")
    for app, choice, loss in zip(apps, schedule, losses, strict=True):
        table.add_row(app.app_id, str(choice.freeze_point), f"{choice.rate:g}", f"{loss:.4f}")
    print_table(table)
    print(f"mean F1 {report.f1:.4f}, events missed {report.fnr:.1%}, false alerts {report.fpr:.1%}")
    print(f"costs {report.cost:.2f} of {options.budget:g}")
    if options.emit:
        deployed = [net.message() for net in nets(network, apps, schedule)]
        options.emit.write_text(json.dumps(deployed, indent=1) + "\n")
        print(f"nets: {options.emit}")


def run_train(options: StemTrainOptions) -> None:
    from launcher.stem_training import train  # with PyTorch, which planning does without

    train(options)


def run_latencies(options: LatencyOptions) -> None:
    from launcher.stem_training import latencies

    latencies(options)


COMMANDS: dict[type[Any], Callable[[Any], None]] = {
    StemTrainOptions: run_train,
    LatencyOptions: run_latencies,
    SetupOptions: run_setup,
    ScheduleOptions: run_schedule,
    ExperimentOptions: run_experiment,
    DeployOptions: run_deploy,
    ExecutorOptions: run_executor,
}
NAMES: dict[str, Callable[..., Any]] = {
    "train": StemTrainOptions,
    "latencies": LatencyOptions,
    "setup": SetupOptions,
    "schedule": ScheduleOptions,
    "experiment": ExperimentOptions,
    "deploy": DeployOptions,
    "executor": ExecutorOptions,
}


def main(arguments: list[str] | None = None) -> None:
    run_program("stem_sharing.py", __doc__, NAMES, COMMANDS, arguments)


if __name__ == "__main__":
    main()
