"""TVM's tuning records: schedules and their times as files that MetaSchedule applies. For TVM's process alone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tvm.s_tir import meta_schedule as ms

from rllib_envs.kernel_tuning.database_files import RECORDS, WORKLOADS


def open_database(folder: Path) -> Any:
    """The database in a folder, which is made there where there is none. RuntimeError when it can't be read."""
    for name in (WORKLOADS, RECORDS):
        _drop_half_a_line(folder / name)
    return ms.database.JSONDatabase(str(folder / WORKLOADS), str(folder / RECORDS))


def _drop_half_a_line(path: Path) -> None:
    """MetaSchedule reads no file whose last line was not written to its end."""
    written = path.read_bytes() if path.exists() else b""
    if written and not written.endswith(b"\n"):
        path.write_bytes(written[: written.rfind(b"\n") + 1])


def add_records(module: Any, target: Any, traces: Iterable[tuple[Any, float]], folder: str) -> None:
    """Add schedules, as traces, and the seconds that each takes. The folder must be there.

    RuntimeError when the database in it can't be read.
    """
    database = open_database(Path(folder))
    workload = database.commit_workload(module)
    tensors = ms.arg_info.ArgInfo.from_entry_func(module, remove_preproc=True)
    for trace, seconds in traces:
        database.commit_tuning_record(ms.database.TuningRecord(trace, workload, [seconds], target, tensors))
