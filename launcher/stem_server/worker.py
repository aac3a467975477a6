"""A process that does one job after the other, of one kind. Its server starts it, and ends it where a job is cut.

What it needs to know comes on its standard input, as a line of JSON: an address may have a password in it.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from launcher.stem_server.asks import Training, read_ask
from launcher.stem_server.job import DONE, FAILED, Given, Outcome
from launcher.stem_server.store import Lost, Store, StoreFull, StoreGone
from launcher.stem_server.work import Made, do
from rllib_envs.child_process import die_with_parent
from rllib_envs.errors import TunewrightError
from rllib_envs.stem_sharing.application import Variant

IDLE_S = 0.05
"""Until a worker without a job looks for one again."""
RETRY_S = 0.2
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Place:
    """Where a worker works."""

    name: str
    kind: str
    """Of jobs."""
    redis: str
    password: str
    lease_s: float
    root: str
    parent: int
    """Process that it ends with."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def insist(question: Callable[[], Answer]) -> Answer:
    """Ask Redis until it answers. What was computed is worth waiting for; who must not go on is ended by the server."""
    while True:
        try:
            return question()
        except (StoreGone, StoreFull):
            time.sleep(RETRY_S)


class Follower:
    """Keeps what a job says and has done, as long as it is this worker's."""

    def __init__(self, store: Store, given: Given) -> None:
        self._store, self._given, self._lines = store, given, given.lines

    def tell(self, line: str) -> None:
        self._lines = insist(lambda: self._store.note(self._given, self._lines, line))

    def writing(self) -> None:
        insist(lambda: self._store.note(self._given, self._lines))

    def done(self, variant: Variant) -> None:
        insist(lambda: self._store.note(self._given, self._lines, point=variant.freeze_point, what=variant._asdict()))


def work(place: Place) -> None:
    """For ever."""
    store = Store(place.redis, password=place.password)
    while True:
        given = insist(lambda: store.claim(place.kind, place.name, place.lease_s))
        if given is None:
            time.sleep(IDLE_S)
        else:
            _one(store, place, given)


def _one(store: Store, place: Place, given: Given) -> None:
    made, name = Made({}), ""
    try:
        ask = read_ask(place.kind, given.ask, Path(place.root))
        made = do(ask, given, Follower(store, given))
        outcome = Outcome(DONE, made.result)
        name = ask.options.name if isinstance(ask, Training) else ""
    except Lost:
        return
    except TunewrightError as error:
        outcome = Outcome(FAILED, {}, " ".join(str(error).split()), error.exit_code)
    except Exception as error:
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        outcome = Outcome(FAILED, {}, f"a fault, which the server has printed: {' '.join(what.split())}", 1)
    try:
        insist(lambda: store.finish(given, place.name, outcome, name, made.app))
    except Lost:
        return


def main() -> None:
    place = Place(**json.loads(sys.stdin.readline()))
    die_with_parent(place.parent)
    work(place)


if __name__ == "__main__":
    main()
