"""`tunewright launch`: one line from here to a healthy job, or a clear word why there is none."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from launcher.folders import runs_folder
from launcher.jobs.apps import APPS
from launcher.jobs.config import LaunchConfig
from launcher.jobs.limits import NoSlurm, ask_slurm, check_launch, check_partition, check_script, has_slurm
from launcher.jobs.record import write_record
from launcher.jobs.snapshot import take_snapshot
from launcher.jobs.submission import JOB, ROOT, Launch, described, load_submitit
from launcher.tracking.account import HOW_WITHOUT_ENVIRONMENT, KEY_VARIABLE, hidden
from launcher.tracking.fetch import check_url, local_run
from models.store.atomic import check_room
from models.store.locate import locate_run
from models.store.run_directory import make_unique
from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.names import choose

POLL_S = 2.0
ACCOUNTING_PATIENCE_S = 30.0
"""After the last has left the queue: for results to be seen on a slow file system, or ends in accounting."""
UNKNOWN_END = "has left the queue without a result, and accounting does not know it: cancelled before it began?"


def run_launch(config: LaunchConfig, arguments: Sequence[str]) -> None:
    """Submit the jobs and say how to follow them; with `dry_run`, say what would be submitted."""
    load_submitit()
    check_launch(config)
    launch = plan(config, arguments)
    if config.dry_run:
        show(launch)
        return
    local = here(config)
    if not local and config.partition:
        check_partition(config.partition)
    if hidden():
        print(f"{KEY_VARIABLE} is not handed to jobs; for them, {HOW_WITHOUT_ENVIRONMENT}", flush=True)
    launch = prepared(launch)
    try:
        start = "" if local else _estimated_start(launch)
        jobs = launch.submit(local)
    except BaseException:
        _clean(launch)
        raise
    names = [str(job.job_id) for job in jobs]
    write_record(launch, names, local)
    one = names[0].partition("_")[0]
    print(f"{'started' if local else 'submitted'}: job {one}{f', {len(names)} elements' if len(names) > 1 else ''}")
    print(f"run directory: {launch.folder}")
    if start:
        print(f"estimated: {start}")
    print(f"follow:  tunewright logs {one} -f\nwatch:   tunewright jobs\ncancel:  tunewright cancel {one}")
    if config.wait:
        _wait(jobs, local)


def plan(config: LaunchConfig, arguments: Sequence[str]) -> Launch:
    """Decide everything. UserError where the application would not understand its arguments."""
    app = APPS[choose(config.app, APPS, "application")]
    if config.num_nodes > 1 and not app.distributed:
        raise UserError(f"--num-nodes is {config.num_nodes}, and {config.app} runs on one node; launch several jobs")
    check_url(config.wandb_url)
    place = config.resume or config.wandb_url
    if place:
        place = local_run(place, config.runs or runs_folder())
        run, checkpoint = locate_run(place)
        if checkpoint is not None:
            raise UserError(f"{place} is one checkpoint; a job goes on from the newest of a run: {run.path}")
        arguments = [f"--resume={run.path.absolute()}", *arguments]
        label = app.check(arguments)
        return Launch(config, label, run.path.absolute(), (tuple(arguments),), resumed=True)
    label = app.check(arguments)
    elements = [list(arguments)]
    if config.sweep:
        elements = app.sweep(arguments, config.sweep)
    elif config.jobs > 1:
        elements = app.copies(arguments, config.jobs)
    folder = (config.runs or runs_folder()).absolute() / f"{time.strftime('%Y%m%d-%H%M%S')}-{label}"
    return Launch(config, label, folder, tuple(map(tuple, elements)))


def here(config: LaunchConfig) -> bool:
    """Whether the jobs run on this machine."""
    if config.local or has_slurm():
        local = config.local
    else:
        print("no SLURM here: running on this machine", flush=True)
        local = True
    if local and config.num_nodes > 1:
        raise NoSlurm(f"--num-nodes is {config.num_nodes}, and this machine is one; launch it where a cluster is")
    return local


def show(launch: Launch) -> None:
    """The script, what it runs, and what it costs at most."""
    print(launch.script())
    print(f"\n# runs, with {launch.config.app}:")
    print(described(launch.elements))
    print(f"\n# run directory: {launch.folder}")
    print(f"# at most {launch.core_hours:,.1f} core-hours; nothing was submitted")


def prepared(launch: Launch) -> Launch:
    """Make the folders, and copy the code. Where that fails, nothing stays."""
    if not launch.resumed:
        launch = replace(launch, folder=make_unique(launch.folder.parent, launch.folder.name))
    try:
        check_room(launch.job_folder)
        if launch.code != ROOT:
            take_snapshot(ROOT, launch.code)
    except BaseException:
        _clean(launch)
        raise
    return launch


def _estimated_start(launch: Launch) -> str:
    """What SLURM says of the script. UserError where it could never run."""
    script = launch.job_folder / "launch.sh"
    script.write_text(launch.script())
    return check_script(script)


def _clean(launch: Launch) -> None:
    shutil.rmtree(launch.folder / JOB if launch.resumed else launch.folder, ignore_errors=True)


def _wait(jobs: Sequence[Any], local: bool) -> None:
    """Until all have ended. Prints what those that failed have told, traceback and logs, and raises TunewrightError."""
    if not local:
        numbers = {str(job.job_id) for job in jobs}
        while numbers & _queued(numbers):
            time.sleep(POLL_S)
    failed, until = [], time.monotonic() + ACCOUNTING_PATIENCE_S
    for job in jobs:
        error = job.task(0).exception() if local or _known(job, until) else UNKNOWN_END  # of others, a node may be lost
        if error is not None:
            print(f"job {job.job_id}: {error}", flush=True)
            failed.append(f"job {job.job_id}: {reason(str(error))}")
    if failed:
        raise TunewrightError(f"{len(failed)} of {len(jobs)} jobs failed; {'; '.join(failed)}")


def _queued(numbers: set[str]) -> set[str]:
    """The jobs that wait or run; all of them while the controller does not answer."""
    try:
        return set(ask_slurm("squeue", "--noheader", "--array", "--me", "--format=%i").split())
    except TunewrightError:
        return numbers


def _known(job: Any, until: float) -> bool:
    """Whether a job that has left the queue has a result, or accounting says how it ended. Of an element that was
    cancelled before it began, SLURM's accounting may never hear."""
    while not job.done(force_check=True):
        if time.monotonic() > until:
            return False
        time.sleep(POLL_S)
    return True


def reason(told: str) -> str:
    """The one line of what submitit tells of a failure that says why: a traceback's last, or else the first."""
    lines = [line.strip() for line in told.splitlines() if line.strip()]
    rules = [index for index, line in enumerate(lines) if set(line) == {"-"}]
    return lines[rules[-1] - 1] if rules and rules[-1] else lines[0]
