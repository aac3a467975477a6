"""What becomes of a job whose step has ended: the last line of its script asks this, and its exit status is the job's.

python -m launcher.jobs.after_job EXIT_STATUS JOB_FOLDER RUN_DIRECTORY [--final]

With --final it is not queued again. Imports nothing but the standard library, so that it also works where that has
failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

REQUEUE_STATUS = 85
"""The program has saved what it did, if there was time for anything, and asks to be started again."""
MOST_ATTEMPTS = 3
"""In a row, without a checkpoint between them."""
OUT_OF_MEMORY = re.compile(r"oom-kill|exceeded memory limit")
ANSWER_LIMIT_S = 120.0
"""SLURM ends this script when it has queued the job again, or has cancelled it."""


def job_name() -> str:
    """As SLURM and submitit call it: the array's number and the element's, or the job's number."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else os.environ["SLURM_JOB_ID"]


def reason_to_requeue(status: int, job: str, folder: Path, run: Path) -> str:
    """Why the job is to be queued again, or "" where it isn't.

    A program that ends by its own decision, with a result or an exception, has written a result. One that hasn't was
    killed, or has lost its cluster; that is tried again, unless it ran out of memory or does not get ahead.
    """
    if status == 0 or result_of(job, folder).exists() or cancelled(job, folder).exists():
        return ""
    logs = folder.glob(f"{job}_*_log.err")
    if any(OUT_OF_MEMORY.search(log.read_text(errors="replace")) for log in logs):
        print("not queued again: it has run out of memory; give it more with --mem")
        return ""
    count = attempts_since_progress(folder / f"{job}_attempts", run)
    if count > MOST_ATTEMPTS:
        print(f"not queued again: it has ended {count} times without saving anything new")
        return ""
    why = "its time is up" if status == REQUEUE_STATUS else f"its cluster has failed, exit status {status}"
    return f"{why}; attempt {count} of {MOST_ATTEMPTS} since the last checkpoint"


def result_of(job: str, folder: Path) -> Path:
    """Where submitit on the first node writes what the program returned or raised."""
    return folder / f"{job}_0_result.pkl"


def returned(job: str, folder: Path) -> Path:
    """What the first node leaves when the program has returned, and has not raised."""
    return folder / f"{job}_returned"


def cancelled(job: str, folder: Path) -> Path:
    """What `tunewright cancel` leaves, before it asks the program to save and end."""
    return folder / f"{job}_cancelled"


def status_of_job(status: int, job: str, folder: Path) -> int:
    """The step's, or 0 where the program has returned: a step also fails when another node was lost meanwhile."""
    return 0 if returned(job, folder).exists() else status


def attempts_since_progress(tally: Path, run: Path) -> int:
    """The number of the attempt that has ended, counted anew after each that has saved something: a checkpoint, or a
    kernel's trials. `tally` has a line for each."""
    newest = max((path.name for path in run.glob("checkpoints/[0-9]*")), default="")
    if not newest:
        kept = [*run.glob("**/trials.jsonl"), *run.glob("**/measured/*.jsonl")]
        newest = f"trials_{sum(path.stat().st_size for path in kept)}"
    before = tally.read_text().split() if tally.exists() else []
    same = [name for name in before if name == newest]
    tally.write_text("".join(f"{name}\n" for name in [*same, newest]))
    return len(same) + 1


def main(arguments: list[str]) -> int:
    status, folder, run = int(arguments[0]), Path(arguments[1]), Path(arguments[2])
    final = arguments[3:] == ["--final"]
    job = job_name()
    reason = "" if final else reason_to_requeue(status, job, folder, run)
    if reason:
        print(f"queued again: {reason}", flush=True)
        subprocess.run(["scontrol", "requeue", job], check=True)
        time.sleep(ANSWER_LIMIT_S)
    elif cancelled(job, folder).exists():
        subprocess.run(["scancel", job], check=True)
        time.sleep(ANSWER_LIMIT_S)
    return status_of_job(status, job, folder)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
