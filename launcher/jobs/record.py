"""What is remembered of a launch, in `job/launch.json` of its folder."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.jobs.submission import JOB, Launch
from models.store.atomic import read_json, write_json

RECORD = "launch.json"


@dataclass(frozen=True)
class LaunchRecord:
    """One launch of the past."""

    folder: Path
    """The run directory, or where there are several jobs the folder that holds them."""
    jobs: tuple[str, ...]
    """The jobs' numbers, as SLURM has them; where they ran here, process ids."""
    runs: tuple[Path, ...]
    """Their run directories."""
    local: bool
    launched: float
    """Seconds since 1970."""

    @property
    def job_folder(self) -> Path:
        return self.folder / JOB


def write_record(launch: Launch, jobs: list[str], local: bool) -> None:
    content: dict[str, Any] = {
        "jobs": jobs,
        "runs": [str(job.run.relative_to(launch.folder)) for job in launch.jobs],
        "local": local,
        "launched": time.time(),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "arguments": [list(arguments) for arguments in launch.elements],
        "core_hours": launch.core_hours,
    }
    write_json(launch.job_folder / RECORD, content)


def launches(runs: Path) -> Iterator[LaunchRecord]:
    """Every launch under a folder of runs, oldest first."""
    for path in sorted(runs.glob(f"*/{JOB}/{RECORD}")):
        folder = path.parents[1]
        content = read_json(path, "a launch's record")
        yield LaunchRecord(
            folder=folder,
            jobs=tuple(content["jobs"]),
            runs=tuple(folder / run for run in content["runs"]),
            local=content["local"],
            launched=content["launched"],
        )
