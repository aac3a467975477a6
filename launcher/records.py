"""`tunewright records`: what was measured, as a table, as CSV, or as tuning records of TVM."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import tyro
from rich.table import Table
from rich.text import Text

from launcher.folders import runs_folder
from launcher.tables import print_table
from models.store.atomic import read_json
from models.store.run_directory import EVALUATIONS, RECORD
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.measure import KernelMeasurer
from rllib_envs.kernel_tuning.tuning_records import write_tuning_records
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark
from rllib_envs.records import Record, read_records
from rllib_envs.registry import make_problem
from rllib_envs.suite import read_benchmark

ROWS_SHOWN = 50
"""Of a table without --limit. More don't help on a screen."""
PLACES_NAMED = 3
"""Malformed lines that a warning names; it counts the others."""
CSV_COLUMNS = (
    "problem",
    "benchmark",
    "solution",
    "value",
    "unit",
    "scale",
    "higher_is_better",
    "error",
    "doubtful",
    "how",
    "measured_on",
    "when",
)


@dataclass(frozen=True)
class RecordsConfig:
    """List, filter and export measured evaluations."""

    paths: Annotated[tuple[Path, ...], tyro.conf.Positional] = ()
    """Record files, run directories, or folders of runs; all runs here when not given."""
    problem: str = ""
    """Only records of this problem."""
    benchmark: str = ""
    """Only records whose benchmark contains this text, such as m=64, or is that of this benchmark file (.json)."""
    failed: bool = False
    """Only what failed, with its error."""
    best: bool = False
    """Only the best of each benchmark."""
    limit: int | None = None
    """Only the newest so many; a table shows 50 when not given."""
    csv: Path | None = None
    """Write a CSV file, which must not exist yet, instead of a table."""
    tvm: Path | None = None
    """Kernel tuning: add those that were measured on this machine to the tuning records of TVM in this folder, a
    JSONDatabase of MetaSchedule, instead of a table."""
    debug: bool = False
    """Show the traceback of an error."""


def run_records(config: RecordsConfig) -> None:
    if config.limit is not None and config.limit < 1:
        raise UserError(f"--limit is {config.limit}; it must be at least 1")
    if config.failed and config.best:
        raise UserError("--failed and --best exclude each other: what failed is never the best")
    if config.csv is not None and config.csv.exists():
        raise UserError(f"{config.csv} exists already; choose another --csv or remove it")
    if config.csv is not None and config.tvm is not None:
        raise UserError("--csv and --tvm exclude each other; write one after the other")
    records = load(config.paths or (runs_folder(),))
    chosen = select(records, config)
    if config.tvm is not None:
        with KernelMeasurer() as measurer:
            written = write_tuning_records(chosen[-(config.limit or len(chosen)) :], config.tvm, measurer)
        print(f"{written} of {len(chosen)} records added to TVM's in {config.tvm}")
        return
    if config.csv is not None:
        chosen = chosen[-(config.limit or len(chosen)) :]
        write_csv(chosen, config.csv)
        print(f"{len(chosen)} records written to {config.csv}")
        return
    shown = chosen[-(config.limit or ROWS_SHOWN) :]
    if shown:
        print_table(table(shown))
    print(f"{len(shown)} of {len(chosen)} records" if len(shown) < len(chosen) else f"{len(chosen)} records")


def load(paths: Sequence[Path]) -> list[Record]:
    """The records of files, runs and folders of runs, oldest first. Lines that are none are counted on stderr."""
    records: list[Record] = []
    malformed: list[str] = []
    for file in dict.fromkeys(file.resolve() for path in paths for file in record_files(path)):
        for number, record in read_records(file):
            if record is None:
                malformed.append(f"{file}:{number}")
            else:
                records.append(record)
    if malformed and not records:
        raise UserError(f"none of {len(malformed)} lines is a record, see {malformed[0]}; name a file of records")
    if malformed:
        named = ", ".join(malformed[:PLACES_NAMED])
        more = f" and {len(malformed) - PLACES_NAMED} more" if len(malformed) > PLACES_NAMED else ""
        print(f"warning: {len(malformed)} lines are no records and were skipped: {named}{more}", file=sys.stderr)
    return sorted(records, key=lambda record: record.when)


def record_files(path: Path) -> Iterator[Path]:
    """The files that a path stands for. UserError when there is none."""
    if not path.exists():
        raise UserError(f"{path} does not exist; name a record file, a run directory or a folder of runs")
    if not path.is_dir():
        yield path
        return
    if (path / RECORD).exists():
        yield _file_of_run(path)
        return
    files = sorted(path.glob(f"*/{EVALUATIONS}"))
    if not files:
        raise UserError(f"no run in {path} holds {EVALUATIONS}; train one, or name a record file")
    yield from files


def _file_of_run(run: Path) -> Path:
    """Its own file, or the one that it shared."""
    if (run / EVALUATIONS).exists():
        return run / EVALUATIONS
    settings = read_json(run / RECORD, "a run's record").get("settings")
    shared = settings.get("records") if isinstance(settings, dict) else None
    file = Path(shared or run / EVALUATIONS)
    if not file.exists():
        raise UserError(f"run {run} recorded nothing: {file} does not exist")
    return file


def select(records: Sequence[Record], config: RecordsConfig) -> list[Record]:
    """The records that the filters let through. UserError for a filter that names nothing here."""
    chosen = list(records)
    if config.problem:
        wanted = choose(config.problem, sorted({record.problem for record in records}), "problem in these records")
        chosen = [record for record in chosen if record.problem == wanted]
    if config.benchmark:
        chosen = of_benchmark(chosen, config.benchmark)
    if config.failed:
        chosen = [record for record in chosen if record.evaluation.error]
    return best_of_each(chosen) if config.best else chosen


def of_benchmark(records: Sequence[Record], given: str) -> list[Record]:
    """Records of the benchmark in a file, or of all whose text contains what was given. UserError when none does."""
    if given.endswith(".json"):
        text = _text_of(read_benchmark(Path(given)))
        chosen = [record for record in records if record.benchmark == text]
    else:
        text = given
        chosen = [record for record in records if text in record.benchmark]
    if not chosen:
        example = f"one of them is {records[-1].benchmark!r}" if records else "there are no records"
        raise UserError(f"no record is of benchmark {text!r}; {example}")
    return chosen


def _text_of(benchmark: Benchmark) -> str:
    problem = make_problem(benchmark.problem)
    try:
        key = problem.record_key(problem.initial(benchmark))
    finally:
        problem.close()
    if key is None:
        raise UserError(f"problem {benchmark.problem!r} records nothing")
    return key.benchmark


def best_of_each(records: Sequence[Record]) -> list[Record]:
    """The best verified record of each benchmark and machine, relative to the scale that was calibrated with it."""
    best: dict[tuple[str, str, str], Record] = {}
    for record in records:
        place = (record.problem, record.benchmark, record.measured_on)
        if not record.evaluation.error and (place not in best or _share(record) > _share(best[place])):
            best[place] = record
    return sorted(best.values(), key=lambda record: record.when)


def _share(record: Record) -> float:
    evaluation = record.evaluation
    return (evaluation.value if evaluation.higher_is_better else -evaluation.value) / evaluation.scale


def table(records: Sequence[Record]) -> Table:
    result = Table()
    several = [name for name in ("problem", "measured_on") if len({getattr(record, name) for record in records}) > 1]
    for column in (*several, "benchmark", "solution"):
        result.add_column(column.replace("_", " "), overflow="fold")
    result.add_column("value", justify="right")
    result.add_column("of scale", justify="right")
    for column in ("unit", "error", "when"):
        result.add_column(column, overflow="fold")
    for record in records:
        evaluation = record.evaluation
        cells = (
            *(getattr(record, name) for name in several),
            record.benchmark,
            record.solution,
            "" if evaluation.error else f"{evaluation.value:.4g}",
            "" if evaluation.error else f"{evaluation.value / evaluation.scale:.1%}",
            evaluation.unit,
            evaluation.error,
            _local_time(record.when),
        )
        result.add_row(*map(Text, cells))  # not as strings, in which rich takes brackets for markup
    return result


def _local_time(when: str) -> str:
    try:
        return datetime.fromisoformat(when).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return when


def write_csv(records: Sequence[Record], path: Path) -> None:
    """One row a record; each figure in the details has a column of its own."""
    details = sorted({name for record in records for name in record.evaluation.details})
    try:
        with path.open("x", newline="") as file:
            writer = csv.DictWriter(file, [*CSV_COLUMNS, *(f"details.{name}" for name in details)])
            writer.writeheader()
            for record in records:
                content = {**vars(record), **vars(record.evaluation)}
                figures = {f"details.{name}": figure for name, figure in record.evaluation.details.items()}
                writer.writerow({name: content[name] for name in CSV_COLUMNS} | figures)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}; choose another --csv") from None
