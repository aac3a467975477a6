"""Write checkpoints without a pause in a child, kill it at a random moment, and read what is left; again and again.

Prints "<kills> <those that hit a half-written checkpoint>". Usage: write_until_killed.py FOLDER KILLS
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path

from models.checkpoint import Checkpoint
from models.store.checkpoints import Checkpoints
from tests.models.checkpoints import example_checkpoint

ROWS = 20_000
LONGEST_SECONDS = 0.1


def write_for_ever(checkpoints: Checkpoints, iteration: int, done: int) -> None:
    """Tell through the pipe `done` of each checkpoint that is written."""
    while True:
        iteration += 1
        checkpoints.write(iteration, example_checkpoint(iteration, random.random(), ROWS).write)
        os.write(done, iteration.to_bytes(8, "big"))


def main() -> None:
    checkpoints, kills, halves, iteration = Checkpoints(Path(sys.argv[1])), int(sys.argv[2]), 0, 1
    checkpoints.write(iteration, example_checkpoint(iteration, 0.0, ROWS).write)
    for _ in range(kills):
        read_end, write_end = os.pipe()
        child = os.fork()
        if not child:
            write_for_ever(checkpoints, iteration, write_end)
        os.close(write_end)
        time.sleep(random.uniform(0, LONGEST_SECONDS))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(read_end, "rb") as pipe:
            told = pipe.read()
        written = max(iteration, int.from_bytes(told[-8:], "big"))
        halves += any(checkpoints.folder.glob(".*"))
        path, wrong = checkpoints.last_whole()
        assert path is not None and not wrong, f"no whole checkpoint after {written}: {wrong}"
        found = Checkpoint.read(path)
        iteration = found.counters.iteration
        assert iteration >= written, f"{written} was written, and {iteration} is what is left"
        assert all((array == iteration).all() for array in found.learner.values())
    print(kills, halves)


if __name__ == "__main__":
    main()
