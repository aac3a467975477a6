"""What showing a training costs it: the mirror at Weights & Biases, and TensorBoard's event files. About four minutes.

python bench/tracking_overhead.py [--pairs 20] [--minutes 2]

A training of the toy, whose iterations are short. First it goes on for --minutes beside its mirror, saving once a
minute, and the processor time of the mirror's processes is set against the time that passes; so is that of the rows of
event files, and what starting the mirror and waiting for its end take of ten minutes of training. The mirror is a
process of its own, so these are the whole cost where a core is free for it. As a check come pairs of blocks of
iterations, one with the mirror at work and one with its processes stopped. Their ratios are printed, and are no bar: on
a shared machine single blocks differ by ten times what is looked for. The server is a stand-in on this host, in a
process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from launch_latency import toy_suite
from report import Bar, report
from start_up import processor_seconds

from launcher.tracking.event_files import EventFiles
from launcher.tracking.live_mirror import LiveMirror
from launcher.tracking.mirrored import Mirrored
from models.interrupts import descendants
from models.store.run_directory import RunDirectory
from models.train_settings import TrainSettings
from models.training import TrainingSession

ROOT = Path(__file__).resolve().parents[1]
BLOCK, WARM_UP = 3, 5
"""Iterations."""
SAVE_S, TRAINING_S = 60.0, 600.0
EVENT_ROWS = 2_000


class Cost(NamedTuple):
    """Seconds of a block."""

    processor: float
    wall: float


@contextmanager
def stand_in() -> Iterator[str]:
    """The key of a server, whose address the client finds in the environment."""
    command = [sys.executable, "-m", "tests.wandb_server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin and server.stdout
        told = json.loads(server.stdout.readline())
        os.environ |= {"WANDB_BASE_URL": told["url"], "WANDB_ERROR_REPORTING": "false"}
        yield told["key"]
        server.stdin.close()


class Training:
    """A training as `tunewright train` goes on with one, between its saves."""

    def __init__(self, session: TrainingSession, run: RunDirectory) -> None:
        self.session, self.run = session, run
        self.events = EventFiles(run.path, after_iteration=0)
        self.row: dict[str, object] = {}

    def block(self, iterations: int) -> Cost:
        processor, wall = time.process_time(), time.perf_counter()
        for _ in range(iterations):
            self.row = asdict(self.session.step())
            self.run.log(self.row)
            self.events.log(self.row)
        return Cost(time.process_time() - processor, time.perf_counter() - wall)


def event_seconds(row: dict[str, object], folder: Path) -> float:
    """Processor seconds of a row in an event file, its writing included."""
    began = time.process_time()
    events = EventFiles(folder, after_iteration=0)
    for _ in range(EVENT_ROWS):
        events.log(row)
    events.close()
    return (time.process_time() - began) / EVENT_ROWS


class MirrorProcesses:
    """Those that have been started since this was made."""

    def __init__(self) -> None:
        self._others = set(descendants(os.getpid()))

    def now(self) -> list[int]:
        return sorted(set(descendants(os.getpid())) - self._others)

    def send(self, number: signal.Signals) -> None:
        for process in self.now():
            os.kill(process, number)

    def processor_seconds(self) -> float:
        """So far, of the first one and of all that it has started."""
        return processor_seconds(self.now()[0])


def beside(training: Training, minutes: float, mirror: MirrorProcesses) -> float:
    """Processor seconds of the mirror in a second of training."""
    began, saved, before = time.perf_counter(), 0.0, mirror.processor_seconds()
    until = began + 60 * minutes
    while time.perf_counter() < until:
        if time.perf_counter() > saved + SAVE_S:
            training.run.checkpoint(training.session)
            saved = time.perf_counter()
        training.block(1)
    return (mirror.processor_seconds() - before) / (time.perf_counter() - began)


def pairs(training: Training, count: int, mirror: MirrorProcesses) -> Iterator[tuple[Cost, Cost]]:
    """Costs of a block with the mirror and of one without; which is first changes from pair to pair."""
    for number in range(count):
        costs = {}
        for mirrored in (number % 2 == 0, number % 2 == 1):
            training.run.checkpoint(training.session)
            try:
                if not mirrored:
                    mirror.send(signal.SIGSTOP)
                costs[mirrored] = training.block(BLOCK)
            finally:
                mirror.send(signal.SIGCONT)
        yield costs[True], costs[False]


def describe(name: str, ratios: list[float]) -> None:
    """By how many per cent they are above 1."""
    low, middle, high = (100 * (quartile - 1) for quartile in statistics.quantiles(ratios, n=4))
    print(f"{name}, mirrored / not: {middle:+.1f} %; half of {len(ratios)} pairs between {low:+.1f} and {high:+.1f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="of blocks to compare")
    parser.add_argument("--minutes", type=float, default=2.0, help="beside the mirror, before that")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # or the mirror could be left stopped
    with tempfile.TemporaryDirectory() as place, stand_in() as key:
        folder = Path(place)
        env = {"problem": "toy", "suite": str(toy_suite(folder / "suite")), "horizon": 10}
        record = {"config": {"dataset": env["suite"]}, "suite_hash": ""}
        run = RunDirectory.create(folder / "runs", "toy", record)
        Mirrored("bench").write(run.path)
        with TrainingSession(TrainSettings("ppo", env)) as session:
            training = Training(session, run)
            training.block(WARM_UP)
            mirror = MirrorProcesses()
            began = time.perf_counter()
            live = LiveMirror(run.path, key)
            starting = time.perf_counter() - began
            with live:
                run.checkpoint(session)
                while not Mirrored.of(run.path).checkpoints:
                    training.block(1)
                share = beside(training, arguments.minutes, mirror)
                costs = list(pairs(training, arguments.pairs, mirror))
                began = time.perf_counter()
            ending = time.perf_counter() - began
            events = event_seconds(training.row, folder / "events")
    iteration = statistics.median(without.processor for _, without in costs) / BLOCK
    print(f"an iteration takes {iteration:.2f} s of processor time, a row of event files {1e3 * events:.2f} ms of it")
    print(f"starting the mirror takes {starting:.2f} s, and waiting for its end {ending:.1f} s")
    describe("processor time", [one.processor / other.processor for one, other in costs])
    describe("wall time", [one.wall / other.wall for one, other in costs])
    shares = {
        "mirror": 100 * share,
        "its start and end, in 10 minutes": 100 * (starting + ending) / TRAINING_S,
        "event files": 100 * events / iteration,
    }
    shares["together"] = sum(shares.values())
    report(
        "tracking_overhead", {name: Bar(value, 1, "% of training", at_least=False) for name, value in shares.items()}
    )


if __name__ == "__main__":
    main()
