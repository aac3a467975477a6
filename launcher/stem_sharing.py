"""Run many applications on one video stream, which share the layers that they keep of one network.

python launcher/stem_sharing.py train bus finetune.ini models/ logs/ all images/bus/
python launcher/stem_sharing.py setup setup.json models/ logs/*-accuracy
python launcher/stem_sharing.py schedule setup.json --budget 350 --emit nets.json
python launcher/stem_sharing.py experiment 10 results/night --setup setup.json
python launcher/stem_sharing.py executor --models models/
python launcher/stem_sharing.py deploy setup.json --budget 350
python launcher/stem_sharing.py server --data jobs/
python launcher/stem_sharing.py client train bus finetune.ini models/ logs/ all images/bus/
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from launcher.program import run_program
from launcher.stem import client
from launcher.stem.deploy import run_deploy, run_executor
from launcher.stem.experiment import run_experiment
from launcher.stem.options import (
    ClientOptions,
    DeployOptions,
    ExecutorOptions,
    ExperimentOptions,
    LatencyOptions,
    ScheduleOptions,
    SetupOptions,
    StemTrainOptions,
)
from launcher.stem.schedule import run_schedule
from launcher.stem.setup import run_setup
from launcher.stem_server.options import ServerOptions


def run_train(options: StemTrainOptions) -> None:
    from launcher.stem.training import train  # with PyTorch, which planning does without

    train(options)


def run_latencies(options: LatencyOptions) -> None:
    from launcher.stem.training import latencies

    latencies(options)


def run_server(options: ServerOptions) -> None:
    from launcher.stem_server import front  # with Redis's client, which the others do without

    front.run_server(options)


COMMANDS: dict[type[Any], Callable[[Any], None]] = {
    StemTrainOptions: run_train,
    LatencyOptions: run_latencies,
    SetupOptions: run_setup,
    ScheduleOptions: run_schedule,
    ExperimentOptions: run_experiment,
    DeployOptions: run_deploy,
    ExecutorOptions: run_executor,
    ServerOptions: run_server,
}
NAMES: dict[str, Callable[..., Any]] = {
    "train": StemTrainOptions,
    "latencies": LatencyOptions,
    "setup": SetupOptions,
    "schedule": ScheduleOptions,
    "experiment": ExperimentOptions,
    "deploy": DeployOptions,
    "executor": ExecutorOptions,
    "server": ServerOptions,
    "client": ClientOptions,
}


def main(arguments: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["client"]:
        client.main(arguments[1:], "stem_sharing.py client")
        return
    run_program("stem_sharing.py", __doc__, NAMES, COMMANDS, arguments)


if __name__ == "__main__":
    main()
