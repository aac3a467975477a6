"""What MetaSchedule has found for a statement, on disk: its own database, and how much was spent on it."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from eval.baselines.limits import TuningLimits
from models.store.atomic import read_json, write_json
from rllib_envs.kernel_tuning.database import open_database
from rllib_envs.kernel_tuning.database_files import RECORDS, WORKLOADS
from rllib_envs.loop_nest.measured_on import processor_name
from rllib_envs.loop_nest.notation import statement_text
from rllib_envs.loop_nest.statement import Statement

SPENT = "spent.json"


@dataclass(frozen=True)
class Spent:
    """Effort so far, those of a search that was cut short included."""

    trials: int = 0
    seconds: float = 0.0
    failed: int = 0
    """Trials that could not be built or run."""
    complete: bool = False
    """Whether a limit was reached."""

    def plus(self, trials: int, failed: int, seconds: float) -> Spent:
        return replace(self, trials=self.trials + trials, failed=self.failed + failed, seconds=self.seconds + seconds)


class Tuned:
    """The folder of one statement, set of limits, processor and version of TVM."""

    def __init__(self, folder: Path, key: dict[str, str]) -> None:
        self.folder = folder
        self._key = key
        try:
            self.database = open_database(folder)
        except RuntimeError:  # written by a process that was killed meanwhile
            for name in (WORKLOADS, RECORDS, SPENT):
                (folder / name).unlink(missing_ok=True)
            self.database = open_database(folder)
        known = read_json(folder / SPENT, "what a search has spent") if (folder / SPENT).exists() else {}
        self.spent = Spent(**known.get("spent", {}))

    def save(self, spent: Spent) -> None:
        self.spent = spent
        write_json(self.folder / SPENT, {"spent": asdict(spent), **self._key})


@contextmanager
def tuned(statement: Statement, limits: TuningLimits, version: str, target: Any) -> Iterator[Tuned]:
    """Open, and keep others from tuning the same meanwhile: they wait, and then find it done."""
    key = {
        "statement": statement_text(statement),
        "limits": f"{limits.trials} trials, {limits.seconds:g} s",
        "processor": processor_name(),
        "version": version,
        "target": str(target),
    }
    digest = hashlib.sha256("\n".join(key.values()).encode()).hexdigest()[:16]
    folder = limits.folder / f"{statement.kind}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Tuned(folder, key)
