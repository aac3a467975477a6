"""`tunewright jobs`, `logs` and `cancel`: what was launched, what it says, and how to end it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import tyro
from rich.table import Table

from launcher.folders import runs_folder
from launcher.jobs.after_job import cancelled
from launcher.jobs.app_job import WARNING_SIGNAL
from launcher.jobs.limits import ask_slurm
from launcher.jobs.record import LaunchRecord, launches
from launcher.tables import print_table
from models.interrupts import descendants
from models.store.run_directory import RunDirectory
from rllib_envs.errors import UserError

POLL_S = 0.5
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE", "gone"}


@dataclass(frozen=True)
class JobsConfig:
    """List the jobs that were launched: state, node, iteration, best result and age."""

    runs: Path | None = None
    """Where runs are kept; runs/ here, or under $LOOP_TOOL_ROOT."""
    size: int = 20
    """How many, the newest last."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class LogsConfig:
    """Show what a job has printed."""

    job: tyro.conf.Positional[str]
    """The job's number, with _k for one element of an array, or its run directory."""
    follow: Annotated[bool, tyro.conf.arg(aliases=["-f"])] = False
    """Wait for more until the job has ended."""
    rank: int = 0
    """Of which of its nodes; 0 is where it trains."""
    errors: bool = False
    """What it has written to its error output."""
    runs: Path | None = None
    """Where runs are kept; runs/ here, or under $LOOP_TOOL_ROOT."""
    debug: bool = False
    """Show the traceback of an error."""


@dataclass(frozen=True)
class CancelConfig:
    """Let a job save what it has done, and end it. `tunewright launch --resume` goes on from there.

    Cancelling it once more ends it at once.
    """

    job: tyro.conf.Positional[str]
    """The job's number, with _k for one element of an array, or its run directory."""
    runs: Path | None = None
    """Where runs are kept; runs/ here, or under $LOOP_TOOL_ROOT."""
    debug: bool = False
    """Show the traceback of an error."""


class Job(NamedTuple):
    """One job of a launch."""

    launch: LaunchRecord
    number: str
    run: Path


class State(NamedTuple):
    """What a job is doing."""

    name: str
    """SLURM's word, also for one that runs here; "gone" if that has left nothing that says how it ended."""
    where: str = ""
    """Its nodes, or why it waits."""


def run_jobs(config: JobsConfig) -> None:
    listed = list(all_jobs(config.runs or runs_folder()))[-config.size :]
    if not listed:
        print(f"nothing was launched into {config.runs or runs_folder()}/; start with tunewright launch")
        return
    known = slurm_states([job.number for job in listed if not job.launch.local])
    table = Table(box=None, pad_edge=False)
    for column in ("job", "state", "nodes", "iteration", "best", "age"):
        table.add_column(column, justify="right" if column in ("iteration", "best", "age") else "left", no_wrap=True)
    table.add_column("run directory", overflow="fold")
    for job in listed:
        state = state_of(job, known)
        iteration, best = progress_of(job.run)
        table.add_row(
            job.number, state.name, state.where, iteration, best, age(time.time() - job.launch.launched), str(job.run)
        )
    print_table(table)


def run_logs(config: LogsConfig) -> None:
    """Print the log, and with `follow` what is added until the job has ended."""
    job = find_job(config.job, config.runs or runs_folder())
    path = job.launch.job_folder / f"{job.number}_{config.rank}_log.{'err' if config.errors else 'out'}"
    if not path.exists() and not config.follow:
        raise UserError(
            f"{path} is not there: job {job.number} has not started, or has fewer nodes; see tunewright jobs"
        )
    place = 0
    while True:
        over = not config.follow or now(job).name in ENDED
        if path.exists():
            with path.open("rb") as file:
                file.seek(place)
                while block := file.read(1 << 16):
                    sys.stdout.buffer.write(block)
                    place += len(block)
            sys.stdout.flush()
        if over:
            return
        time.sleep(POLL_S)


def run_cancel(config: CancelConfig) -> None:
    job = find_job(config.job, config.runs or runs_folder())
    whole = config.job in (job.number.partition("_")[0], str(job.launch.folder))
    number = job.number.partition("_")[0] if whole else job.number
    state = now(job)
    if state.name in ENDED and not whole:
        raise UserError(f"job {number} has ended already: {state.name}")
    jobs = job.launch.jobs if whole else [number]
    go_on = f"go on later with  tunewright launch --resume {job.run}"
    if job.launch.local:
        for each in jobs:
            cancelled(each, job.launch.job_folder).touch()
            # The process is a shell; its only child passes the signal on to what it runs.
            for controller in descendants(int(each))[:1]:
                with suppress(ProcessLookupError):
                    os.kill(controller, signal.SIGTERM)
        print(f"cancelled: job {number}; {go_on}")
    elif _save_and_end(number, [cancelled(each, job.launch.job_folder) for each in jobs]):
        print(f"job {number} saves what it has done, and ends; {go_on}")
        print(f"end it at once:  tunewright cancel {number}")
    else:
        ask_slurm("scancel", number)
        print(f"cancelled: job {number}; {go_on}")


def _save_and_end(number: str, markers: list[Path]) -> bool:
    """Ask what runs of a job to save and end, and cancel what waits. False if that was asked before, or none runs.

    A plain scancel would end Ray's daemons first, and those their driver before it could save.
    """
    asked_before = all(marker.exists() for marker in markers)
    running = ask_slurm("squeue", "--noheader", f"--jobs={number}", "--states=RUNNING", "--format=%i")
    if asked_before or not running:
        return False
    for marker in markers:
        marker.touch()
    ask_slurm("scancel", "--state=PENDING", number)
    ask_slurm("scancel", "--state=RUNNING", f"--signal={WARNING_SIGNAL.removeprefix('SIG')}", number)
    return True


def all_jobs(runs: Path) -> Iterator[Job]:
    """Every job of every launch, oldest first."""
    for launch in launches(runs):
        for number, run in zip(launch.jobs, launch.runs, strict=True):
            yield Job(launch, number, run)


def find_job(given: str, runs: Path) -> Job:
    """The newest job of this number, element or run directory. UserError lists the latest where there is none."""
    listed = list(all_jobs(runs))
    place = Path(given).resolve()
    for job in reversed(listed):
        if given in (job.number, job.number.partition("_")[0]) or place in (
            job.run.resolve(),
            job.launch.folder.resolve(),
        ):
            return job
    latest = ", ".join(job.number for job in listed[-3:])
    raise UserError(
        f"no job {given!r} was launched into {runs}/; {f'the latest are {latest}' if latest else 'none was'}"
    )


def slurm_states(numbers: list[str]) -> dict[str, State]:
    """By job; accounting knows those that have ended, the controller tells why one waits."""
    if not numbers:
        return {}
    which = ",".join(sorted({number.partition("_")[0] for number in numbers}))
    found = {}
    told = ask_slurm("sacct", "-j", which, "--parsable2", "--noheader", "--format=JobID,State,NodeList")
    for line in told.splitlines():
        number, state, nodes = line.split("|")
        found[number] = State(state.split()[0], "" if nodes == "None assigned" else nodes)
    queued = ask_slurm("squeue", "--noheader", "--array", "--me", "--format=%i|%T|%R")
    for line in queued.splitlines():
        number, state, where = line.split("|", 2)
        found[number] = State(state, where)
    return found


def state_of(job: Job, known: dict[str, State]) -> State:
    if job.launch.local:
        return State("RUNNING" if _alive(int(job.number)) else _ended_here(job), "here")
    return known.get(job.number, State("unknown"))


def _ended_here(job: Job) -> str:
    from submitit import LocalJob

    ended = LocalJob[None](job.launch.job_folder, job.number)
    if not ended.paths.result_pickle.exists():
        return "CANCELLED" if cancelled(job.number, job.launch.job_folder).exists() else "gone"
    return "FAILED" if ended.exception() else "COMPLETED"


def now(job: Job) -> State:
    return state_of(job, {} if job.launch.local else slurm_states([job.number]))


def progress_of(run: Path) -> tuple[str, str]:
    """The last iteration, and the best speed-up so far or else the last mean return."""
    if not RunDirectory.exists(run):
        return "", ""
    last: dict[str, Any] = {}
    for row in RunDirectory(run).metrics():
        last = row
    best, returned = last.get("best_speedup"), last.get("return_mean")
    figure = f"{best:.2f}x" if best is not None else f"{returned:.3f}" if returned is not None else ""
    return str(last.get("iteration", "")), figure


def age(seconds: float) -> str:
    """Such as 3d 4h, 2h 5m or 40s."""
    units = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
    parts: list[str] = []
    for name, length in units:
        count, seconds = divmod(seconds, length)
        if count or parts:
            parts.append(f"{int(count)}{name}")
    return " ".join(parts[:2]) or "0s"


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
