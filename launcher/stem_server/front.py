"""`launcher/stem_sharing.py server`: answers clients, and looks after its workers and its Redis."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from launcher.options import at_least
from launcher.stem.deploy import ended_by_signals, positive, token_in
from launcher.stem_server import messages
from launcher.stem_server.asks import read_ask
from launcher.stem_server.crew import Crew
from launcher.stem_server.job import DEPLOY, KINDS, RUNNING, SCHEDULE, TRAIN
from launcher.stem_server.options import ServerOptions
from launcher.stem_server.own_redis import OwnRedis
from launcher.stem_server.store import Store, StoreFull, StoreGone
from launcher.stem_server.worker import Place
from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.names import choose
from rllib_envs.stem_sharing.executor.calls import Answering

LOOK_S = 0.1
"""Until the server looks after its workers when nobody asks."""
MOST_LISTED = 1000
MOST_LINES = 1 << 20
MOST_LEASE_S = 3600.0


def run_server(options: ServerOptions) -> None:
    """Print where it listens, then a line for each job and for what went wrong; a signal ends it."""
    at_least(("--trainers", options.trainers, 0), ("--planners", options.planners, 0), ("--lease", options.lease, 1))
    positive("--lease", options.lease, MOST_LEASE_S)
    root = options.root.resolve()
    if not root.is_dir():
        raise UserError(f"--root {options.root} is no folder; say below which clients may have files")
    line = messages.line_to(options.address, token_in(options.token))
    with ended_by_signals(), Answering(line) as socket, _redis(options) as own:
        url, password = (own.url, "") if own else (options.redis, _password(options.redis_password))
        store = Store(url, password=password)
        if own is None:
            _check(store)
        elif count := store.recover():
            print(f"jobs that were cut, and start again or go on: {count}")
        place = Place("", "", url, password, options.lease, str(root), os.getpid())
        sizes = {TRAIN: options.trainers, SCHEDULE: options.planners, DEPLOY: 1}
        crew = Crew(store, place, sizes, print, (own.lock.fileno(),) if own else ())
        print(
            f"listening at {socket.address}, working in {root}, jobs in {own.folder if own else 'the Redis that runs'}"
        )
        try:
            _serve(socket, Front(store, crew, root, print), crew, own)
        finally:
            crew.close()


def _serve(socket: Answering, front: Front, crew: Crew, own: OwnRedis | None) -> None:
    """For ever."""
    well = True
    while True:
        if socket.asked(LOOK_S):
            socket.answer(front.answer(socket.question()))
        try:
            if own and own.ended():
                if well:
                    print("Redis has ended; it is started again")
                own.start()
            crew.look()
            well = True
        except (StoreGone, StoreFull) as error:
            if well:
                print(f"waiting: {error}")
            well = False


@contextmanager
def _redis(options: ServerOptions) -> Iterator[OwnRedis | None]:
    """One of our own, unless there is one already."""
    if options.redis:
        yield None
        return
    with OwnRedis(options.data) as own:
        own.start()
        yield own


def _password(path: Path | None) -> str:
    try:
        return path.read_text().strip() if path else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--redis-password {path} can't be read: {error}") from None


def _check(store: Store) -> None:
    """Somebody else's Redis has to keep what it was given. Raises UserError, and StoreGone."""
    store.ping()
    if store.setting("appendonly") == "no":
        raise UserError("this Redis forgets its jobs when it ends; start it with --appendonly yes --appendfsync always")
    if store.setting("appendfsync") not in ("always", None):
        print("this Redis may lose the newest jobs when it is killed; start it with --appendfsync always")


class Front:
    """Answers one question after the other."""

    def __init__(self, store: Store, crew: Crew, root: Path, tell: Callable[[str], None]) -> None:
        self._store, self._crew, self._root, self._tell = store, crew, root, tell
        self._ways: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "submit": self._submit,
            "job": self._job,
            "status": self._status,
            "apps": lambda question: {"apps": self._store.apps()},
            "cancel": self._cancel,
        }

    def answer(self, message: bytes) -> bytes:
        try:
            question = messages.read_question(message)
            return messages.answer(self._ways[choose(question["do"], self._ways, "request")](question))
        except (StoreGone, StoreFull) as error:
            return messages.refusal(error, later=True)
        except TunewrightError as error:
            return messages.refusal(error, later=False)
        except Exception as error:  # a fault of ours, which must not cost other clients their server
            traceback.print_exc()
            return messages.refusal(TunewrightError(f"a fault, which the server has printed: {error!r}"), later=False)

    def _submit(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        job, kind = messages.job_id(question), choose(str(question.get("kind")), KINDS, "kind of job")
        ask, replace = question.get("ask"), question.get("replace", False)
        if not isinstance(replace, bool):
            raise UserError(f"replace has to be true or false, got {replace!r:.80}")
        read_ask(kind, ask, self._root)
        assert isinstance(ask, Mapping)
        name = str(ask["name"]) if kind == TRAIN else ""
        self._store.submit(job, kind, ask, name, replace)
        self._tell(f"job {job}: {kind} {name}".rstrip())
        return {"id": job}

    def _job(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._store.job(messages.job_id(question), messages.number(question, "lines_from", MOST_LINES))

    def _status(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        most = messages.number(question, "most", MOST_LISTED)
        return {
            "submitted": self._store.submitted(),
            "counts": self._store.counts(),
            "jobs": self._store.jobs(most),
        }

    def _cancel(self, question: Mapping[str, Any]) -> Mapping[str, Any]:
        job = messages.job_id(question)
        state, worker = self._store.cancel(job)
        if state == RUNNING:
            self._crew.end(worker)
        self._tell(f"job {job}: cancelled")
        return {"id": job, "was": state}
