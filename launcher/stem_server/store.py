"""Jobs, in Redis. Every change is one script of `lua/`, which runs alone, and wholly or not at all.

Any change may be asked for again when its answer was lost: the second time does nothing. A job is its worker's only
with the token that it was given out with; who was given it before is refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from launcher.stem_server.job import ALONE, KINDS, QUEUED, RUNNING, Given, Outcome
from rllib_envs.errors import MissingPackage, TunewrightError, UserError

PREFIX = "tunewright:stems:"
MOST_WAITING = 20_000
"""Of each kind. Who asks for more has a fault, or should wait."""
MOST_CRASHES = 3
"""How often a job may end its worker before it counts as failed: it may want more memory than there is."""
KEPT_S = 30 * 24 * 3600
"""For which jobs are known after their end."""
TIMEOUT_S = 5.0
"""Of Redis, which answers in less than a millisecond when all is well."""
SCRIPTS = Path(__file__).with_name("lua")


TEXTS, NUMBERS = ("kind", "name", "state", "error"), ("submitted", "started", "ended", "runs", "code")
"""Of a job, as lists of jobs have them. Times are milliseconds since 1970."""


class StoreGone(TunewrightError):
    """Redis isn't there, or not yet. What was answered is kept."""


class StoreFull(TunewrightError):
    """Redis, or its disk, has no room."""


class Lost(TunewrightError):
    """The job is somebody else's by now, or cancelled."""


def encode(content: Any) -> str:
    return json.dumps(content, separators=(",", ":"))


class Store:
    """Jobs in one Redis. Raises StoreGone and StoreFull wherever it asks Redis."""

    def __init__(self, url: str, prefix: str = PREFIX, password: str = "") -> None:
        """The password counts where `url` has none. Raises UserError where `url` isn't one, and MissingPackage."""
        try:
            from redis import Redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise MissingPackage("a server of jobs needs redis; pip install 'tunewright[stems]'") from None
        self.prefix = prefix
        try:
            # Once more, and at once: a connection that was open when Redis ended is of no use to the next one.
            self._redis: Any = Redis.from_url(
                url,
                password=password or None,
                decode_responses=True,
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError as error:
            raise UserError(f"--redis is no address of a Redis ({error}); write redis://HOST:PORT/0") from None
        common = (SCRIPTS / "common.lua").read_text()
        self._scripts: dict[str, Callable[..., Any]] = {
            path.stem: self._redis.register_script(common + path.read_text())
            for path in SCRIPTS.glob("*.lua")
            if path.stem != "common"
        }

    def ping(self) -> None:
        with _said_plainly():
            self._redis.ping()

    def setting(self, name: str) -> str | None:
        """Of Redis itself; None where it doesn't say."""
        from redis.exceptions import ResponseError

        with _said_plainly():
            try:
                return self._redis.config_get(name).get(name)  # type: ignore[no-any-return]
            except ResponseError:
                return None

    def submit(self, job: str, kind: str, ask: Mapping[str, Any], name: str = "", replace: bool = False) -> None:
        """Keep a job, unless it is known already. `name` is the application's that it trains.

        Raises UserError for a name that is taken, and where there are too many.
        """
        text = encode(ask)
        digest = hashlib.sha256(encode([kind, name, replace]).encode() + text.encode()).hexdigest()
        answer, *which = self._run("submit", job, kind, name, text, digest, int(replace), MOST_WAITING)
        if answer == "busy":
            raise UserError(f"job {which[0]} trains application {name!r} already; wait for it, or cancel it")
        if answer == "exists":
            raise UserError(f"there is an application {name!r} already; choose another name, or --replace it")
        if answer == "full":
            raise UserError(f"{which[0]} jobs of kind {kind} wait already; ask again when some are done")
        if answer == "other":
            raise UserError(f"there is another job {job}; choose another id")

    def claim(self, kind: str, worker: str, lease_s: float) -> Given | None:
        """The next job, if there is one. A worker that has one already is given that again."""
        found = self._run("claim", kind, worker, round(1000 * lease_s), int(kind in ALONE))
        if not found:
            return None
        job, token, ask, done, lines = found
        points = zip(done[::2], done[1::2], strict=True)
        return Given(job, token, json.loads(ask), {int(point): json.loads(what) for point, what in points}, lines)

    def renew(self, workers: Sequence[str], lease_s: float) -> list[str]:
        """These workers live. Those of them whose job is theirs no longer, and who should end."""
        return self._run("renew", round(1000 * lease_s), *workers)  # type: ignore[no-any-return]

    def note(self, given: Given, lines: int, line: str = "", point: int | None = None, what: Any = None) -> int:
        """A line that the job says, or what it has done of a freeze point. How many lines there are. Raises Lost."""
        done = ("", "") if point is None else (point, encode(what))
        count = self._run("note", given.id, given.token, lines, line, *done)
        if count < 0:
            raise Lost(f"job {given.id} is this worker's no longer")
        return int(count)

    def finish(self, given: Given, worker: str, outcome: Outcome, name: str = "", app: Any = None) -> None:
        """The job's end, and the application that it has trained. Raises Lost."""
        end = (outcome.state, encode(outcome.result), outcome.error, outcome.code)
        kept = 1000 * KEPT_S
        if not self._run("finish", given.id, given.token, worker, *end, name, encode(app), kept):
            raise Lost(f"job {given.id} was this worker's no longer")

    def leave(self, worker: str, why: str, crashed: bool) -> None:
        """A worker has ended; its job, if it had one, is for the next one."""
        self._run("leave", worker, why, int(crashed), MOST_CRASHES)

    def recover(self) -> int:
        """Nobody works; how many jobs start again."""
        return int(self._run("recover", *KINDS))

    def cancel(self, job: str) -> tuple[str, str]:
        """In which state the job was, and whose it is where it runs. Raises UserError where there is none."""
        state, *worker = self._run("cancel", job)
        if state == "unknown":
            raise unknown(job)
        return state, worker[0] if worker else ""

    def job(self, job: str, lines_from: int = 0) -> dict[str, Any]:
        """Everything about a job, with the lines that it said from one on. Raises UserError where there is none."""
        with _said_plainly():
            pipeline = self._redis.pipeline()
            pipeline.hgetall(f"{self.prefix}job:{job}")
            pipeline.lrange(f"{self.prefix}job:{job}:lines", lines_from, -1)
            pipeline.hlen(f"{self.prefix}job:{job}:done")
            found, lines, done = pipeline.execute()
        if not found:
            raise unknown(job)
        result = json.loads(found.get("result") or "{}")
        return {"id": job, **_summary(found), "lines": lines, "points_done": done, "result": result}

    def jobs(self, most: int) -> list[dict[str, Any]]:
        """The newest ones, the newest last."""
        with _said_plainly():
            ids = self._redis.zrange(f"{self.prefix}jobs", -most, -1) if most else []
            pipeline = self._redis.pipeline()
            for job in ids:
                pipeline.hmget(f"{self.prefix}job:{job}", *TEXTS, *NUMBERS)
            found = [dict(zip((*TEXTS, *NUMBERS), values, strict=True)) for values in pipeline.execute()]
        return [{"id": job, **_summary(one)} for job, one in zip(ids, found, strict=True) if one["state"]]

    def submitted(self) -> int:
        """How many jobs are known."""
        with _said_plainly():
            return int(self._redis.zcard(f"{self.prefix}jobs"))

    def counts(self) -> dict[str, dict[str, int]]:
        """Of each kind, how many wait and how many run."""
        with _said_plainly():
            pipeline = self._redis.pipeline()
            for kind in KINDS:
                pipeline.llen(f"{self.prefix}waiting:{kind}")
                pipeline.zcard(f"{self.prefix}running:{kind}")
            found = pipeline.execute()
        return {kind: {QUEUED: found[2 * place], RUNNING: found[2 * place + 1]} for place, kind in enumerate(KINDS)}

    def apps(self) -> dict[str, dict[str, Any]]:
        """What has been trained, by name."""
        with _said_plainly():
            found = self._redis.hgetall(f"{self.prefix}apps")
        return {name: json.loads(found[name]) for name in sorted(found)}

    def _run(self, script: str, *arguments: str | int) -> Any:
        with _said_plainly():
            return self._scripts[script](keys=[self.prefix], args=arguments)


def unknown(job: str) -> UserError:
    return UserError(f"there is no job {job!r:.80}; stem_sharing.py client status lists them")


def _summary(found: Mapping[str, str | None]) -> dict[str, Any]:
    """A job without what was asked for, which may be long, and without its result."""
    numbers = {name: int(number) for name in NUMBERS if (number := found.get(name))}
    return {**{name: found.get(name) or "" for name in TEXTS}, **numbers}


@contextmanager
def _said_plainly() -> Iterator[None]:
    """Redis's errors in words."""
    from redis import exceptions

    try:
        yield
    except (exceptions.AuthenticationError, exceptions.NoPermissionError) as error:
        raise UserError(f"Redis refuses: {error}; give its user in --redis, and --redis-password") from None
    except (exceptions.ConnectionError, exceptions.TimeoutError) as error:
        raise StoreGone(f"Redis is gone ({error}); start it again, what it has answered is kept") from None
    except exceptions.ResponseError as error:
        if isinstance(error, exceptions.OutOfMemoryError) or str(error).startswith("MISCONF"):
            raise StoreFull(f"Redis has no room ({error}); make some, what it has answered is kept") from None
        raise
