"""A process that measures for this one: started, asked, and ended without a trace when it crashes or hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from functools import cached_property
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from rllib_envs.child_process import child_environment
from rllib_envs.errors import MeasuringError

START_LIMIT_S = 60.0
"""For starting Python and numpy, which takes 0.2 s from a warm disk and long from a cold network drive."""
GRACE_S = 1.0


class Lost(Exception):
    """The process has crashed or given no answer in time, and was ended. The text says which."""

    def __init__(self, ending: str, text: str) -> None:
        super().__init__(text)
        self.ending = ending
        """The name of a signal, an exit status, or "hung up"; empty where it gave no answer in time."""


class MeasuringProcess:
    """Runs `python -m module FD PARENT arguments...`, which first sends what becomes `ready`, then an answer a request.

    An exception that is sent in place of either is raised.
    """

    def __init__(
        self, module: str, *arguments: object, start_limit_s: float = START_LIMIT_S, wait: bool = True
    ) -> None:
        """Start it; without `wait` it starts beside what this process goes on to do, until `ready` is asked for."""
        self._start_limit_s = start_limit_s
        self.connection, remote = Pipe()
        self._owner = os.getpid()
        with remote:
            descriptor = remote.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *map(str, (descriptor, self._owner, *arguments))],
                pass_fds=(descriptor,),
                stdin=subprocess.DEVNULL,
                env=child_environment(),
                start_new_session=True,  # an interrupt from the terminal is for the parent alone
            )
        self._finalizer = weakref.finalize(self, _end, self._process, self.connection, self._owner)
        if wait:
            self.wait()

    @cached_property
    def ready(self) -> Any:
        """What the process said when it was ready, if need be after waiting for that."""
        return self._receive_ready(self._start_limit_s)

    def wait(self) -> None:
        """Until the process is ready. Raises what it sends instead, and MeasuringError when nothing comes."""
        assert self.ready is not None

    def usable(self) -> bool:
        """Whether the process runs and belongs to this process, not to one that this one was forked from."""
        return self._owner == os.getpid() and self._process.poll() is None

    def ask(self, request: object, limit_s: float, halfway: Callable[[], object] = lambda: None) -> Any:
        """The answer to a request. Raises Lost when there is none, and whatever the process sends to be raised.

        `halfway` is called when half of the limit has passed without an answer.
        """
        self.wait()
        try:
            self.connection.send(request)
            answered = self.connection.poll(limit_s / 2)
            if not answered:
                halfway()
                answered = self.connection.poll(limit_s / 2)
            reply = self.connection.recv() if answered else None
        except (EOFError, ConnectionError):
            ending = self._ending()
            self.end()
            raise Lost(ending, f"crash: {ending}") from None
        except BaseException:  # an interrupt; the answer to come must not be taken for the next one's
            self.end()
            raise
        if not answered:
            self.end()
            raise Lost("", f"time-out: no answer within {limit_s:.1f} s")
        if isinstance(reply, Exception):
            raise reply
        return reply

    def end(self) -> None:
        """Kill the process if it still runs."""
        self._finalizer()

    def _ending(self) -> str:
        """How a process that hung up has ended, in words."""
        try:
            status = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            return "hung up"
        return signal.Signals(-status).name if status < 0 else f"exit status {status}"

    def _receive_ready(self, limit_s: float) -> Any:
        try:
            reply = self.connection.recv() if self.connection.poll(limit_s) else None
        except (EOFError, ConnectionError):
            reply = None
        if reply is not None and not isinstance(reply, Exception):
            return reply
        ending = self._ending()
        self.end()
        if reply is not None:
            raise reply
        raise MeasuringError(f"the measuring process did not start ({ending}); its message is on the error output")


def _end(process: subprocess.Popen[bytes], connection: Connection, owner: int) -> None:
    """Kill and reap the process. In a fork of its owner, only close what the fork has inherited."""
    connection.close()
    if owner == os.getpid():
        process.kill()
        process.wait()
    else:
        process.returncode = 0  # not ours to wait for
