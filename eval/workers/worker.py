"""A worker's process: carries out orders on a core of its own until the other side hangs up.

Started by `Crew` as `python -m eval.workers.worker FD PARENT`.
"""

from __future__ import annotations

import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any

from eval.workers.messages import READY, Broken, Job
from eval.workers.station import Station
from models.interrupts import SIGNALS
from rllib_envs.child_process import die_with_parent
from rllib_envs.cores import run_on
from rllib_envs.errors import TunewrightError


def serve(connection: Connection, station: Station) -> None:
    while True:
        try:
            order = connection.recv()
        except EOFError:
            return
        try:
            reply: Any = station.carry_out(order)
        except Exception as error:
            reply = _told(error)
        connection.send(reply)


def _told(error: Exception) -> TunewrightError | Broken:
    """What concerns every search is passed on as it is: a user's mistake, a missing package, the wrong processor."""
    if isinstance(error, TunewrightError):
        return error if error.exit_code in (2, 3) else Broken(str(error))
    traceback.print_exception(error)
    return Broken(f"{type(error).__name__}: {error}")


def main(arguments: list[str]) -> None:
    descriptor, parent = map(int, arguments)
    die_with_parent(parent)
    for number in SIGNALS:  # they may reach all processes of a job, and the parent decides what they end
        signal.signal(number, signal.SIG_IGN)
    with Connection(descriptor) as connection:
        sys.path[:], core = connection.recv()
        run_on(core)
        job: Job = connection.recv()  # it may be of modules that only that path leads to
        try:
            problem = job.make()
            station = Station(problem, job.plan)
        except TunewrightError as error:
            connection.send(error)
            return
        connection.send(READY)
        try:
            serve(connection, station)
        finally:
            problem.close()


if __name__ == "__main__":
    main(sys.argv[1:])
