"""Worker processes that go through courses, each on a core of its own. One that dies or hangs is replaced."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from eval.course import Course
from eval.scoring import Failure, Scores
from eval.workers.messages import READY, Broken, Job
from eval.workers.station import Found, Order, ScoreOrder
from rllib_envs.child_process import child_environment
from rllib_envs.cores import Core
from rllib_envs.errors import TunewrightError

WORKER_MODULE = "eval.workers.worker"
START_LIMIT_S = 120.0
"""For starting Python, numpy and PyTorch, which takes seconds from a warm disk and long from a cold network drive."""
STARTS = 2
"""Attempts at it in a row."""
EVALUATION_LIMIT_S = 60.0
"""More than any evaluation takes; those of loop nests end themselves after 49 s at the latest."""
OVERTIME_S = 2 * EVALUATION_LIMIT_S
"""Beyond a search's budget of seconds: for starting what measures, and for the evaluation that was begun in time."""
SCORING_LIMIT_S = 3600.0
"""For measuring the answers on a benchmark anew; a compiler among the baselines may search for minutes."""
LOOK_S = 1.0
"""Between two looks at whether a process still lives, where something that it has started keeps its connection open."""
DYING_S = 5.0
"""For a process that has hung up to end."""

Note = Callable[[Course, Order, Found | Scores | Failure, float], None]
"""Told what has come of an order, and after how many seconds."""


class WorkersFailed(TunewrightError):
    """No worker could be started."""


class Crew:
    """As many workers as there are cores, for the time of one `run`."""

    def __init__(self, job: Job, cores: Sequence[Core]) -> None:
        self._job = pickle.dumps(job)
        self._cores = cores

    def run(self, courses: Iterable[Course], note: Note) -> None:
        """Go through all courses. What is being done when an exception ends this is lost.

        Raises what concerns every search (a missing package, the wrong processor), WorkersFailed, and what `note`
        raises.
        """
        waiting = deque(courses)
        workers = [_Worker(core, self._job, note) for core in self._cores[: len(waiting)]]
        try:
            while True:
                for worker in workers:
                    worker.go_on(waiting)
                busy = [worker for worker in workers if worker.busy]
                if not busy:
                    return
                patience = min(LOOK_S, *(worker.deadline - time.monotonic() for worker in busy))
                answered = wait([worker.connection for worker in busy], max(0.0, patience))
                for worker in busy:
                    worker.look(answered=worker.connection in answered)
        finally:
            for worker in workers:
                worker.end()


class _Worker:
    """One of the crew: a process, and the course that it goes through."""

    def __init__(self, core: Core, job: bytes, note: Note) -> None:
        self._core, self._job, self._note = core, job, note
        self._course: Course | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._starts = 0
        self.connection: Connection
        self.deadline = 0.0

    @property
    def busy(self) -> bool:
        """Whether something is to be heard from it."""
        return self._course is not None

    def go_on(self, waiting: deque[Course]) -> None:
        """Start the process, or give it the next order of its course, or of the next course that is waiting."""
        while self._course is not None or waiting:
            self._course = self._course or waiting.popleft()
            if self._process is None:
                self._start()
            if not self._ready or self._course.order is not None:
                return
            order = self._course.next()
            if order is not None:
                self.deadline = time.monotonic() + _limit_s(order)
                with suppress(ConnectionError):  # it has died, and `look` will find that out
                    self.connection.send(order)
                return
            self._course = None

    def look(self, answered: bool) -> None:
        """Take what it says, or notice that it will say nothing more."""
        if answered:
            try:
                message = self.connection.recv()
            except (EOFError, OSError):  # it may have died in the middle of a message
                self._lose(f"its worker {self._ending()}")
            else:
                self._hear(message)
        elif self._process is not None and self._process.poll() is not None:
            self._lose(f"its worker {self._ending()}")
        elif time.monotonic() >= self.deadline:
            self._lose("its worker gave no answer in time")

    def end(self) -> None:
        """Kill the process, if there is one, and what it has started with it."""
        if self._process is not None:
            self.connection.close()
            self._process.kill()
            self._process.wait()
        self._process, self._ready = None, False

    def _start(self) -> None:
        self._starts += 1
        self.connection, remote = Pipe()
        with remote:
            arguments = [str(number) for number in (remote.fileno(), os.getpid())]
            self._process = subprocess.Popen(
                [sys.executable, "-m", WORKER_MODULE, *arguments],
                pass_fds=(remote.fileno(),),
                stdin=subprocess.DEVNULL,
                env=child_environment(),
                start_new_session=True,  # an interrupt from the terminal is for the parent alone
            )
        self.deadline = time.monotonic() + START_LIMIT_S
        with suppress(ConnectionError):
            self.connection.send((sys.path, self._core))
            self.connection.send_bytes(self._job)

    def _hear(self, message: Any) -> None:
        course = self._course
        assert course is not None, "nothing was asked"
        if isinstance(message, TunewrightError):
            raise message
        if message == READY:
            self._ready, self._starts = True, 0
        elif isinstance(message, Broken):
            self._give_up(course, message.reason)
        else:
            order, seconds = course.order, time.monotonic() - course.since
            assert order is not None, "nothing was ordered"
            course.take(message)
            self._note(course, order, message, seconds)

    def _lose(self, reason: str) -> None:
        """The process is gone, or of no more use."""
        started = self._ready
        self.end()
        if started and self._course is not None and self._course.order is not None:
            self._give_up(self._course, reason)
        elif self._starts >= STARTS:
            raise WorkersFailed(f"no worker starts here ({reason}); what it said is on the error output")

    def _give_up(self, course: Course, reason: str) -> None:
        order, seconds = course.order, time.monotonic() - course.since
        assert order is not None, "nothing was ordered"
        instead = course.lose(reason)
        if instead is not None:
            self._note(course, order, instead, seconds)

    def _ending(self) -> str:
        """How a process that has hung up has ended, in words."""
        assert self._process is not None
        try:
            status = self._process.wait(DYING_S)
        except subprocess.TimeoutExpired:
            return "hung up"
        return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with exit status {status}"


def _limit_s(order: Order) -> float:
    """Seconds after which nothing is to be expected any more."""
    if isinstance(order, ScoreOrder):
        return SCORING_LIMIT_S
    budget = order.budget
    if budget.seconds is not None:
        return budget.seconds + OVERTIME_S
    return (budget.evaluations or 1) * EVALUATION_LIMIT_S + OVERTIME_S
