"""Trainings as jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from launcher.options import parse_settings
from launcher.tracking.account import HOW_WITHOUT_ENVIRONMENT, find_key
from launcher.tracking.tracking import ONLINE
from launcher.training.config import TrainConfig, load_suite
from launcher.training.config_file import parse_train
from launcher.training.train import run_train
from models.checkpoint import read_description
from models.continuation import check_continuation
from models.store.locate import locate_run
from models.train_settings import TrainSettings
from models.trainers.registry import TRAINERS, trainer_name
from rllib_envs.errors import UserError
from rllib_envs.registry import make_problem
from rllib_envs.suite import Suite


@dataclass(frozen=True)
class Training:
    """`rllib_agent.py`: train a policy, and prove it on held-out benchmarks."""

    distributed = True

    def check(self, arguments: Sequence[str]) -> str:
        config = self._parse(arguments)
        if config.fork:
            raise UserError(
                "--fork is not for jobs: one that starts again would fork again; "
                "fork with tunewright train, then launch --resume"
            )
        if config.resume and not _given("resume", arguments):
            raise UserError(
                f"{config.resume} stands in the configuration file; name it with tunewright launch --resume"
            )
        config.check()
        if config.wandb == ONLINE and find_key(for_jobs=True) is None:
            raise UserError(
                f"--wandb online needs a key that jobs find: {HOW_WITHOUT_ENVIRONMENT}; "
                "or launch with --wandb offline, and sync later"
            )
        if config.run or config.sweep:
            raise UserError("--run and --sweep of a training are decided by the launch; leave them out")
        suite = load_suite(config)
        settings = config.settings(suite.problem)
        Suite.select(settings.env)
        if config.resume:
            _check_resumed(config, settings)
        return f"{suite.problem}-{trainer_name(config.trainer)}-{suite.name}"

    def copies(self, arguments: Sequence[str], count: int) -> list[list[str]]:
        first = self._parse(arguments).seed
        return [[*arguments, f"--seed={first + index}"] for index in range(count)]

    def sweep(self, arguments: Sequence[str], count: int) -> list[list[str]]:
        config = self._parse(arguments)
        given = parse_settings(config.trainer_settings, "a trainer")
        space = TRAINERS[trainer_name(config.trainer)].search_space
        rng = np.random.default_rng(config.seed)
        drawn = [{name: range_.draw(rng) for name, range_ in space.items() if name not in given} for _ in range(count)]
        return [self._with_settings(arguments, config, settings) for settings in drawn]

    def run(self, arguments: Sequence[str], run: Path, cpus: int) -> None:
        workers = [] if _given("env_runners", arguments) else [f"--env-runners={cpus}"]
        place = [] if _given("resume", arguments) else [f"--run={run}"]
        group = [f"--wandb-group={run.parent.name}"] if run.name.isdecimal() else []
        run_train(self._parse([*group, *arguments, *workers, *place]))

    def _parse(self, arguments: Sequence[str]) -> TrainConfig:
        return parse_train(arguments, prog="rllib_agent.py")

    def _with_settings(self, arguments: Sequence[str], config: TrainConfig, drawn: Mapping[str, Any]) -> list[str]:
        settings = [*config.trainer_settings, *(f"{name}={value}" for name, value in drawn.items())]
        return [*arguments, "--trainer-settings", *settings]


def _given(option: str, arguments: Sequence[str]) -> bool:
    names = (argument.partition("=")[0].lstrip("-").replace("-", "_") for argument in arguments)
    return option in names


def _check_resumed(config: TrainConfig, settings: TrainSettings) -> None:
    """UserError where the job would be refused to go on with what it is to go on with."""
    run, start = locate_run(config.resume)
    checkpoint, _ = run.checkpoints.last_whole(start)
    if checkpoint is None:
        return
    with closing(make_problem(settings.env["problem"], settings.env.get("problem_config"))) as problem:
        recorded, suite = read_description(checkpoint), Suite.load(settings.env["suite"])
        check_continuation(checkpoint, recorded, settings, problem, suite, config.resume_anyway)
