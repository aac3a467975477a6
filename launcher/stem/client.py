"""Ask a server to train applications on one video stream, and to plan and deploy them.

python launcher/client.py train bus finetune.ini models/ logs/ all images/bus/
python launcher/client.py list
python launcher/client.py schedule --apps bus car --budget 350
python launcher/client.py deploy setup.json --budget 350
python launcher/client.py status
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from launcher.program import run_program
from launcher.stem.client_options import (
    AskOptions,
    CancelOptions,
    ClientDeployOptions,
    ClientScheduleOptions,
    ClientTrainOptions,
    JobOptions,
    ListOptions,
    ShowOptions,
    StatusOptions,
)
from launcher.stem.client_tables import show_apps, show_job, show_jobs, show_variants
from launcher.stem.deploy import Target, token_in
from launcher.stem.schedule import Planned, show
from launcher.stem.setup import Setup, read_setup
from launcher.stem_server.asks import Deploying, Planning, deploying_ask, planning_ask, training_ask
from launcher.stem_server.client import JobServer
from launcher.stem_server.job import CANCELLED, DEPLOY, FAILED, SCHEDULE, TRAIN
from rllib_envs.errors import MissingPackage, TunewrightError, UserError
from rllib_envs.names import choose


class Cancelled(TunewrightError):
    """Somebody has ended the job."""


def server_of(options: AskOptions) -> JobServer:
    return JobServer(options.address, token_in(options.token), options.patience)


def run_train(options: ClientTrainOptions) -> None:
    server = server_of(options)
    job = server.submit(TRAIN, training_ask(options, Path.cwd()), options.replace)
    _wait(server, job, options)


def run_schedule(options: ClientScheduleOptions) -> None:
    """Print the schedule as `stem_sharing.py schedule` does."""
    server = server_of(options)
    planning = Planning(_setup(server, options), options, options.mode)
    ended = _wait(server, server.submit(SCHEDULE, planning_ask(planning)), options)
    if ended:
        show(Planned(**ended["result"]), options.emit)


def run_deploy(options: ClientDeployOptions) -> None:
    server = server_of(options)
    target = Target(options.executor, options.executor_token, options.timeout)
    planning = Planning(_setup(server, options), options, options.mode)
    job = server.submit(DEPLOY, deploying_ask(Deploying(planning, target, Path.cwd())))
    _wait(server, job, options)


def run_list(options: ListOptions) -> None:
    show_apps(server_of(options).ask("apps")["apps"])


def run_show(options: ShowOptions) -> None:
    apps = server_of(options).ask("apps")["apps"]
    show_variants(options.name, apps[choose(options.name, apps, "application")])


def run_status(options: StatusOptions) -> None:
    """With --wait it ends as the job does; exit code 4 for one that was cancelled."""
    server = server_of(options)
    if not options.job:
        found = server.ask("status", most=options.most)
        show_jobs(found["counts"], found["jobs"])
    elif options.wait:
        _raise_if_bad(_follow(server, options.job))
    else:
        show_job(server.ask("job", id=options.job))


def run_cancel(options: CancelOptions) -> None:
    was = server_of(options).ask("cancel", id=options.job)["was"]
    print(f"job {options.job} was {was}" + ("; it is cancelled" if was in ("queued", "running") else " already"))


def _setup(server: JobServer, options: ClientScheduleOptions | ClientDeployOptions) -> Setup:
    """That of the file, or one of what the server has trained. Raises UserError."""
    if options.setup != Path():
        if options.apps:
            raise UserError("--apps are in place of a setup; give one of the two")
        return read_setup(options.setup)
    apps = server.ask("apps")["apps"]
    if not apps:
        raise UserError("the server has trained no application; give a setup, or train some")
    wanted = [apps[choose(name, apps, "application")] for name in options.apps or apps]
    one = wanted[0]
    for app in wanted:
        name = app["spec"]["app_id"]
        if app["model_desc"] is None:
            raise UserError(f"application {name!r} has no latencies; have them measured, and give a setup")
        if app["model_dir"] != one["model_dir"]:
            other = one["spec"]["app_id"]
            raise UserError(f"models of {name!r} and {other!r} are in two folders; choose --apps of one")
    return Setup([app["spec"] for app in wanted], {"stream_fps": options.stream_fps}, one["model_desc"])


def _wait(server: JobServer, job: str, options: JobOptions) -> dict[str, Any] | None:
    """The job when it is done; nothing where nobody waits for it. Raises what it failed with."""
    print(f"job {job}")
    if options.detach:
        return None
    ended = _follow(server, job)
    _raise_if_bad(ended)
    return ended


def _follow(server: JobServer, job: str) -> dict[str, Any]:
    try:
        return server.follow(job, print)
    except KeyboardInterrupt:
        print(f"job {job} goes on without you: client.py status {job} --wait, or cancel {job}")
        raise
    except TunewrightError as error:
        if isinstance(error, UserError):
            raise
        raise type(error)(f"{error}; job {job} is kept: client.py status {job} --wait") from None


def _raise_if_bad(ended: Mapping[str, Any]) -> None:
    if ended["state"] == CANCELLED:
        raise Cancelled(f"job {ended['id']} was cancelled")
    if ended["state"] == FAILED:
        kinds: dict[int, type[TunewrightError]] = {2: UserError, 3: MissingPackage}
        raise kinds.get(ended["code"], TunewrightError)(ended["error"])


COMMANDS: dict[type[Any], Callable[[Any], None]] = {
    ClientTrainOptions: run_train,
    ClientScheduleOptions: run_schedule,
    ClientDeployOptions: run_deploy,
    ListOptions: run_list,
    ShowOptions: run_show,
    StatusOptions: run_status,
    CancelOptions: run_cancel,
}
NAMES: dict[str, Callable[..., Any]] = {
    "train": ClientTrainOptions,
    "list": ListOptions,
    "show": ShowOptions,
    "schedule": ClientScheduleOptions,
    "deploy": ClientDeployOptions,
    "status": StatusOptions,
    "cancel": CancelOptions,
}


def main(arguments: list[str] | None = None, prog: str = "client.py") -> None:
    run_program(prog, __doc__, NAMES, COMMANDS, arguments)
