"""Each environment in a process of its own, for environments that wait for something."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
import weakref
from contextlib import suppress
from multiprocessing import Pipe, reduction
from multiprocessing.connection import Connection
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from models.runners.env_pool import MakeEnv
from models.runners.env_worker import CLOSING_SECONDS, Command, Fork
from models.runners.outcomes import EnvsKeepDying, Lost, Outcome, Stepped
from rllib_envs.child_process import child_environment

WORKER_MODULE = "models.runners.env_worker"
MOST_DEATHS = 3
"""Of one environment's processes in a row, without a step between them."""
RESTART_STRIDE = 1_000_003
"""Between the seeds of an environment and of the one that takes its place, so that it plays something else."""


class ProcessPool:
    """Environments that wait side by side; whichever is ready is stepped, so that none waits for another.

    How the processes are started: this one has PyTorch's and Ray's threads, and a fork of it could inherit a lock that
    one of those holds; it would also keep Ray's sockets open after this process is gone. Starting Python anew for each
    environment takes 0.2 s and 23 MB at least, and 4 s and 290 MB where RLlib is imported. So one process is started
    anew: a template with a single thread and without Ray, which imports what the environments need and forks one
    process for each, in milliseconds.

    All die with this process, in whatever way it ends: the template because Linux kills it, its forks because it dies.
    A process that dies alone loses its unfinished episode and is replaced.
    """

    def __init__(self, make: MakeEnv, count: int) -> None:
        self._pickled = cloudpickle.dumps(make)
        self._template: _Template | None = None
        self._selector = selectors.DefaultSelector()
        self._connections: dict[int, Connection] = {}
        self._deaths = [0] * count
        self._restarts = 0
        self._round = 0
        self._seed: int | None = None
        self.processes = [0] * count
        """Their ids."""
        for index in range(count):
            self._launch(index)
        self.observation_space, self.action_space = self._spaces()

    def __len__(self) -> int:
        return len(self.processes)

    def start(self, seed: int | None) -> None:
        self._round += 1
        self._seed = seed
        for index in range(len(self)):
            if index not in self._connections:
                self._launch(index)
            self._command(index, Command(self._round, seed=None if seed is None else seed + index))

    def send(self, index: int, action: Any) -> None:
        self._command(index, Command(self._round, action))

    def ready(self, timeout: float | None = None) -> list[tuple[int, Outcome]]:
        came_in: list[tuple[int, Outcome]] = []
        # Spaces and answers to an earlier start's commands are no outcomes, so one look may not be enough.
        while not came_in and (events := self._selector.select(timeout)):
            for index in [key.data for key, _ in events]:
                came_in += [(index, outcome) for outcome in self._receive(index)]
        return came_in

    def close(self) -> None:
        for index in list(self._connections):
            self._hang_up(index)
        if self._template is not None:
            self._template.end()
        self._template = None

    def _receive(self, index: int) -> list[Outcome]:
        """One message of an environment, if it is an outcome of this round; its death is one, too."""
        try:
            number, content = self._connections[index].recv()
        except (EOFError, OSError):
            return [self._replace(index)]
        if isinstance(content, Exception):
            self._hang_up(index)
            if 0 < number < self._round:  # raised before the last start, and so forgotten
                self._launch(index)
                self._command(index, Command(self._round, seed=None if self._seed is None else self._seed + index))
                return []
            raise content
        if number != self._round or number == 0:
            return []
        if isinstance(content, Stepped):
            self._deaths[index] = 0
        return [content]

    def _spaces(self) -> tuple[Any, Any]:
        """As the first environment reports them."""
        while True:
            try:
                _, content = self._connections[0].recv()
            except (EOFError, OSError):
                self._replace(0)
                continue
            if isinstance(content, Exception):
                self.close()
                raise content
            spaces: tuple[Any, Any] = content
            return spaces

    def _command(self, index: int, command: Command) -> None:
        with suppress(ConnectionError):  # of one that has died, which `ready` reports
            self._connections[index].send(command)

    def _replace(self, index: int) -> Lost:
        """Another process for one that has died."""
        reason = f"process {self.processes[index]} of environment {index} has died"
        self._hang_up(index)
        self._deaths[index] += 1
        if self._deaths[index] >= MOST_DEATHS:
            self.close()
            raise EnvsKeepDying(
                f"{reason}, as the {MOST_DEATHS - 1} before it did, without a step between them; "
                "it crashes, or something kills it (short of memory?). Without --env-processes it runs in the trainer"
            )
        self._restarts += 1
        self._launch(index)
        if self._round:
            seed = None if self._seed is None else self._seed + index + RESTART_STRIDE * self._restarts
            self._command(index, Command(self._round, seed=seed))
        return Lost(reason)

    def _launch(self, index: int) -> None:
        if self._template is None or not self._template.alive():
            self._template = _Template(self._pickled)
        ours, theirs = Pipe()
        with theirs:
            seed = None if self._seed is None else self._seed + RESTART_STRIDE * self._restarts
            self.processes[index] = self._template.fork(Fork(index, seed), theirs)
        self._connections[index] = ours
        self._selector.register(ours, selectors.EVENT_READ, index)

    def _hang_up(self, index: int) -> None:
        connection = self._connections.pop(index)
        self._selector.unregister(connection)
        connection.close()


class _Template:
    """The process that forks the environments' processes."""

    def __init__(self, pickled: bytes) -> None:
        self._control, remote = Pipe()
        with remote:
            descriptor = remote.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER_MODULE, str(descriptor), str(os.getpid())],
                pass_fds=(descriptor,),
                stdin=subprocess.DEVNULL,
                env=child_environment(),
                start_new_session=True,  # an interrupt from the terminal is for this process alone
            )
        self._finalizer = weakref.finalize(self, _end, self._process, self._control)
        self._control.send((sys.path, pickled))
        error = self._answer()
        if error is not None:
            self.end()
            raise error

    def alive(self) -> bool:
        return self._process.poll() is None

    def fork(self, request: Fork, connection: Connection) -> int:
        """The id of a process with an environment at the other end of this connection."""
        self._control.send(request)
        reduction.send_handle(self._control, connection.fileno(), self._process.pid)  # type: ignore[attr-defined]
        process: int = self._answer()
        return process

    def end(self) -> None:
        """Wait for the environments to close, for no longer than they are given."""
        self._finalizer()

    def _answer(self) -> Any:
        try:
            return self._control.recv()
        except (EOFError, OSError):
            self.end()
            raise EnvsKeepDying(
                f"the process that starts the environments' processes has ended with {self._process.returncode}; "
                "its message is on the error output"
            ) from None


def _end(process: subprocess.Popen[bytes], control: Connection) -> None:
    control.close()
    try:
        process.wait(2 * CLOSING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
