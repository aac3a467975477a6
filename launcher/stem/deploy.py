"""`launcher/stem_sharing.py deploy` and `executor`: schedules that run."""

from __future__ import annotations

import math
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from launcher.options import at_least
from launcher.stem.options import DeployOptions, ExecutorOptions, SchedulingOptions
from launcher.stem.setup import Setup, read_setup
from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.stem_sharing.executor.client import ExecutorClient
from rllib_envs.stem_sharing.executor.messages import MOST_RATE
from rllib_envs.stem_sharing.executor.server import Runs, Server
from rllib_envs.stem_sharing.executor.simulator import Simulator
from rllib_envs.stem_sharing.executor.token import read_token
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.scheduler import MOST_DEPLOYMENTS, NEAR, Deployment
from rllib_envs.torch_threads import torch_threads

MOST_SECONDS = 3600.0


class NotAsPlanned(TunewrightError):
    """The executor never did what was planned for it."""


class Target(NamedTuple):
    """The executor to deploy to."""

    address: str
    token: Path | None
    timeout: float
    """Seconds until it has to answer."""

    def executor(self) -> ExecutorClient:
        """Raises UserError."""
        positive("--timeout", self.timeout, MOST_SECONDS)
        return ExecutorClient(self.address, token_in(self.token), reply_s=self.timeout)


def run_deploy(options: DeployOptions) -> None:
    """Print a line for each turn; exit code 4 when the executor is gone, refuses, or never does as planned."""
    target = Target(options.address, options.token, options.timeout)
    deploy(read_setup(options.setup), options, options.mode, target, print)


def deploy(setup: Setup, options: SchedulingOptions, mode: str, target: Target, tell: Callable[[str], None]) -> None:
    """Raises NotAsPlanned, and what `Scheduler.deploy` does."""
    executor = target.executor()
    scheduler = setup.scheduler(options, mode)
    turns = []
    for turn in scheduler.deployments(options.budget, executor):
        turns.append(turn)
        tell(_turn(len(turns), turn))
    last = turns[-1]
    tell("in force:")
    for app, choice, seen in zip(scheduler.applications, last.schedule, last.observed, strict=True):
        tell(f"  {app.app_id}: freeze point {choice.freeze_point}, {seen.rate:.2f} of {choice.rate:g} frames/s")
    tell(f"expected mean F1 {scheduler.report(last.observed).f1:.4f}")
    if not last.near:
        raise NotAsPlanned(
            f"after {MOST_DEPLOYMENTS} turns the executor is still more than {NEAR:.0%} off the plan; the last one is "
            "in force; give it fewer applications or a lower --budget"
        )


def _turn(number: int, turn: Deployment) -> str:
    verdict = "as planned" if turn.near else "not as planned"
    costs = f"planned cost {turn.planned_cost:.2f}, observed {turn.observed_cost:.2f}"
    return f"turn {number}: budget {turn.budget:.2f}, {costs}: {verdict}"


def run_executor(options: ExecutorOptions) -> None:
    """Print where it listens, then a line for each deployment."""
    at_least(("--threads", options.threads, 1))
    positive("--stream-fps", options.stream_fps, MOST_RATE)
    positive("--window", options.window, MOST_SECONDS)
    simulated = options.capacity is not None
    with nullcontext() if simulated else torch_threads(options.threads):
        runs = _simulator(options) if simulated else _executor(options)
        with Server(options.address, token_in(options.token)) as server, ended_by_signals():
            print(f"listening at {server.address}")
            server.serve(runs, print)


def _simulator(options: ExecutorOptions) -> Runs:
    if options.setup is None or options.capacity is None:
        raise UserError("--capacity needs --setup, which has the network and what its layers cost")
    positive("--capacity", options.capacity, math.inf)
    return Simulator(BaseNetwork.from_spec(read_setup(options.setup).model_desc), options.capacity)


def _executor(options: ExecutorOptions) -> Runs:
    from launcher.stem.results import Results
    from rllib_envs.stem_sharing.executor.frames import ImageFolder, SyntheticFrames
    from rllib_envs.stem_sharing.executor.torch_executor import TorchExecutor

    if not options.models.is_dir():
        raise UserError(f"--models {options.models} is no folder; say where the trainer has written models")
    video = ImageFolder(options.video) if options.video else SyntheticFrames()
    return TorchExecutor(options.models, video, options.stream_fps, options.window, Results(options.results).add)


def positive(flag: str, value: float, most: float) -> None:
    if not 0 < value <= most:
        raise UserError(f"{flag} is {value:g}; it must be more than 0, and at most {most:g}")


def token_in(path: Path | None) -> str | None:
    return None if path is None else read_token(path)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGTERM ends it in good order, too."""

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
