"""The processes of a `ProcessPool`: a template, and its forks with one environment each.

Started as `python -m models.runners.env_worker FD PARENT`. Nothing here may import Ray or PyTorch: see `ProcessPool`.
"""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
from contextlib import suppress
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np

from models.runners.env_pool import MakeEnv
from models.runners.outcomes import EnvError, Outcome, Started, Stepped, with_trace
from rllib_envs.child_process import die_with_parent

CLOSING_SECONDS = 2
"""For the environments to close. They are killed then; one may be in the middle of a long step."""


class Fork(NamedTuple):
    """Request to the template, together with the descriptor of a connection: an environment on the other end of it."""

    vector_index: int
    seed: int | None
    """Of everything random that is not the environment's own."""


class Command(NamedTuple):
    """Request to an environment."""

    round: int
    """How often the pool was started. What a worker answers to an earlier start's commands is not wanted any more."""
    action: Any = None
    """None resets."""
    seed: int | None = None


Reply = tuple[int, Outcome | Exception]
"""The command's round and what came of it."""


def portable(error: Exception, index: int) -> Exception:
    """The error with its traceback as a note, or its text alone if it doesn't survive pickling."""
    error = with_trace(error, index)
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  (made by the line itself)
    except Exception:
        text = EnvError(f"environment {index} raised {type(error).__name__}: {error}")
        text.__notes__ = error.__notes__
        return text
    return error


def hear(connection: Connection) -> Command | None:
    """The next command; None when the other side has hung up."""
    try:
        command: Command = connection.recv()
    except (EOFError, OSError):
        return None
    return command


def tell(connection: Connection, reply: tuple[int, Any]) -> None:
    """Send a reply. When nobody listens any more, the next command will not come either."""
    with suppress(ConnectionError):
        connection.send(reply)


def play(connection: Connection, make: MakeEnv, index: int) -> None:
    """Build an environment, report its spaces, and obey commands until the other side hangs up or something raises."""
    command: Command | None = None
    current = 0
    try:
        env = make(index)
        tell(connection, (current, (env.observation_space, env.action_space)))
        while command := hear(connection):
            current = command.round
            if command.action is None:
                tell(connection, (current, Started(*env.reset(seed=command.seed))))
                continue
            stepped = Stepped(*env.step(command.action))  # type: ignore[arg-type]
            tell(connection, (current, stepped))
            if stepped.done:
                tell(connection, (current, Started(*env.reset())))
        env.close()  # type: ignore[no-untyped-call]
    except Exception as error:
        tell(connection, (current, portable(error, index)))


def fork_environments(control: Connection, make: MakeEnv) -> None:
    """Fork an environment for every request until the other side hangs up."""
    template = os.getpid()
    while True:
        try:
            request = control.recv()
        except EOFError:
            return
        descriptor = reduction.recv_handle(control)  # type: ignore[attr-defined]
        process = os.fork()
        if process == 0:
            die_with_parent(template)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            control.close()
            seed = None if request.seed is None else request.seed + request.vector_index
            random.seed(seed)
            np.random.seed(seed)
            with Connection(descriptor) as connection:
                play(connection, make, request.vector_index)
            sys.exit(0)
        os.close(descriptor)
        control.send(process)


def main(arguments: list[str]) -> None:
    descriptor, parent = map(int, arguments)
    die_with_parent(parent)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # forks that end are not to stay as zombies
    with Connection(descriptor) as control:
        sys.path[:], pickled = control.recv()
        try:
            make = pickle.loads(pickled)  # noqa: S301  (from the process that started this one)
        except Exception as error:
            control.send(portable(error, 0))
            return
        control.send(None)
        fork_environments(control, make)
    signal.alarm(CLOSING_SECONDS)
    with suppress(ChildProcessError):
        os.wait()  # until none is left, as their ends are ignored


if __name__ == "__main__":
    main(sys.argv[1:])
