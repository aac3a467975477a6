"""How long until the first environment step, and what training weighs. Takes about a minute and a half.

python bench/start_up.py

The time is of `tunewright train` in a fresh process, from the command until an environment has made a step. On two
cores it can't be met where the processor time of it is above 30 s, nor where others use the machine. Memory is of a
training with two runner processes: the most that the proportional set sizes of its whole process tree, Ray's own
processes included, add up to. They count what processes share once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from report import Bar, report

SUITE = "mm64_128_16_range"
COMMAND = (sys.executable, "-m", "launcher.cli", "train", "--dataset", SUITE, "--eval-size", "0")
WATCH_SECONDS, POLL_SECONDS = 0.5, 0.02
ENVIRONMENTS = 8
"""Each measures its untuned nest first, so that one more measurement is a step's."""
LONGEST_SECONDS = 120.0


def tree(root: int) -> Iterator[int]:
    """The process and all that descend from it."""
    yield root
    try:
        tasks = Path(f"/proc/{root}/task").iterdir()
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # it has just ended
        return
    for child in children:
        yield from tree(child)


def processor_seconds(root: int) -> float:
    """Of the whole process tree so far, in user and system mode."""
    ticks = 0
    for process in tree(root):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def megabytes(process: int) -> float:
    """Proportional set size; 0 for a process that has just ended."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


class Training:
    """`tunewright train` in a process of its own, with its memory watched."""

    def __init__(self, *options: str) -> None:
        self.began = time.perf_counter()
        self.peak = 0.0
        self._folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [*COMMAND, "--runs", self._folder.name, *options], stdout=subprocess.PIPE, text=True
        )
        self._watching = True
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def _watch(self) -> None:
        while self._watching:
            self.peak = max(self.peak, sum(map(megabytes, tree(self.process.pid))))
            time.sleep(WATCH_SECONDS)

    def seconds_until(self, beginning: str) -> float:
        """Until it prints a line that begins so."""
        for line in self.process.stdout:
            if line.startswith(beginning):
                return time.perf_counter() - self.began
        raise SystemExit(f"training ended with code {self.process.wait()} before it said {beginning!r}")

    def seconds_until_a_step(self) -> float:
        """Until more was measured than the untuned nests."""
        while self.process.poll() is None:
            for path in Path(self._folder.name).glob("*/records.jsonl"):
                if path.read_text().count("\n") > ENVIRONMENTS:
                    return time.perf_counter() - self.began
            time.sleep(POLL_SECONDS)
        raise SystemExit(f"training ended with code {self.process.wait()} before it made a step")

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(LONGEST_SECONDS)
        self._watching = False
        self._watcher.join()
        self._folder.cleanup()


def main() -> None:
    training = Training("--iter", "1")
    seconds = training.seconds_until_a_step()
    work = processor_seconds(training.process.pid)
    training.end()
    training = Training("--iter", "1000", "--env-runners", "2")
    training.seconds_until("iteration 3")
    training.end()
    report(
        "start_up",
        {
            "command to first environment step": Bar(seconds, 15, "s", at_least=False),
            "processor time of it, all processes": Bar(work, 30, "s on any core", at_least=False),
            "trainer and 2 runners, loop nests": Bar(training.peak, 3_000, "MB", at_least=False),
        },
    )


if __name__ == "__main__":
    main()
