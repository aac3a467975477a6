"""The processes that do jobs: started, kept alive, and ended where their job is theirs no longer."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from launcher.stem_server.job import TRAIN
from launcher.stem_server.store import Store
from launcher.stem_server.worker import Place
from rllib_envs.child_process import SINGLE_THREADED, child_environment
from rllib_envs.errors import TunewrightError

RENEW_S, RENEWALS = 1.0, 5
"""Between two renewals of leases, or as many in the time of a lease where that is short. A job that another server has
cancelled ends within this."""
RESTART_S = 1.0
"""A worker that ends at once is not started again more often."""


@dataclass
class _Worker:
    name: str
    kind: str
    process: subprocess.Popen[str]


@dataclass(frozen=True)
class Departure:
    """A worker that has ended, of which Redis doesn't know yet."""

    worker: str
    why: str
    crashed: bool


class Crew:
    """So many workers of each kind. Call `look` every second or more often; close it."""

    def __init__(
        self,
        store: Store,
        place: Place,
        sizes: Mapping[str, int],
        tell: Callable[[str], None],
        inherited: tuple[int, ...] = (),
    ) -> None:
        """`place` is where all of them work, whatever their name and kind; they have the descriptors `inherited`."""
        self._store, self._place, self._sizes, self._tell, self._inherited = store, place, sizes, tell, inherited
        self._workers: list[_Worker] = []
        self._departed: list[Departure] = []
        self._renewed = time.monotonic()
        self._due = 0.0
        self._last_start: dict[str, float] = {}

    def look(self) -> None:
        """Replace who has ended, and renew the leases of the others. Raises StoreGone, and is to be called again."""
        for worker in [worker for worker in self._workers if worker.process.poll() is not None]:
            why = f"its process ended with {worker.process.returncode}"
            self._tell(f"worker for {worker.kind}: {why}")
            self._gone(worker, why, crashed=True)
        self._fill()
        if time.monotonic() >= self._due:
            self._renew()
            self._due = time.monotonic() + min(RENEW_S, self._place.lease_s / RENEWALS)

    def end(self, name: str) -> None:
        """End a worker, if it is one of these, whose job is not its own any more."""
        for worker in [worker for worker in self._workers if worker.name == name]:
            self._kill(worker)

    def close(self) -> None:
        """Their jobs are for the next server."""
        for worker in list(self._workers):
            self._kill(worker, "the server ended")
        try:
            self._report()
        except TunewrightError as error:
            self._tell(f"jobs that ran start again when their leases end: {error}")

    def _fill(self) -> None:
        for kind, size in self._sizes.items():
            missing = size - sum(worker.kind == kind for worker in self._workers)
            if missing and time.monotonic() >= self._last_start.get(kind, 0.0) + RESTART_S:
                self._workers += [self._start(kind) for _ in range(missing)]
                self._last_start[kind] = time.monotonic()

    def _start(self, kind: str) -> _Worker:
        name = f"{os.uname().nodename}-{os.getpid()}-{secrets.token_hex(4)}"
        process = subprocess.Popen(
            [sys.executable, "-m", "launcher.stem_server.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=_environment(kind),
            pass_fds=self._inherited,
            process_group=0,  # Ctrl-C is for the server
            text=True,
        )
        place = replace(self._place, name=name, kind=kind)
        assert process.stdin
        with suppress(BrokenPipeError), process.stdin:  # it may have ended already, which is seen soon
            process.stdin.write(f"{place.to_json()}\n")
        return _Worker(name, kind, process)

    def _renew(self) -> None:
        """Who hasn't been able to for the time of a lease doesn't know whether others have the jobs by now."""
        now, lease = time.monotonic(), self._place.lease_s
        try:
            self._report()
            lost = self._store.renew([worker.name for worker in self._workers], lease)
        except TunewrightError:
            if now > self._renewed + lease:
                for worker in list(self._workers):
                    self._kill(worker, "Redis was gone for too long")
                self._renewed = now
            raise
        self._renewed = now
        for name in lost:
            self.end(name)

    def _report(self) -> None:
        while self._departed:
            departure = self._departed[0]
            self._store.leave(departure.worker, departure.why, departure.crashed)
            self._departed.pop(0)

    def _kill(self, worker: _Worker, why: str = "cancelled") -> None:
        worker.process.kill()
        worker.process.wait()
        self._gone(worker, why, crashed=False)

    def _gone(self, worker: _Worker, why: str, crashed: bool) -> None:
        self._workers.remove(worker)
        self._departed.append(Departure(worker.name, why, crashed))


def _environment(kind: str) -> dict[str, str]:
    """Only who trains computes on several threads, as many as it would when started by hand."""
    environment = child_environment()
    if kind == TRAIN:
        environment = {name: value for name, value in environment.items() if name not in SINGLE_THREADED}
        environment |= {name: os.environ[name] for name in SINGLE_THREADED if name in os.environ}
    return environment
