"""A trace: which applications want to run when, how much the box can compute, and what a deployment costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.application import Application, all_different
from rllib_envs.stem_sharing.checked import finite, member, no_others, whole
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.quality import Quality
from rllib_envs.stem_sharing.task import Task

PROBLEM = "online_sharing"
LONGEST_S = 1e9
"""Seconds; thirty years are a mistyped number."""
MOST_CAPACITY = 1e12
"""Latency times frames/s; so is this."""
ENTRIES = (
    "applications",
    "network",
    "stream_fps",
    "event_length",
    "present",
    "capacity",
    "redeploy_s",
    "restarts",
    "events",
)


class Restarts(StrEnum):
    """Which applications see nothing for a while when other nets are deployed."""

    ALL = "all"
    """All that run, as at the executor of this project: it reads every model anew before it looks at a frame again."""
    CHANGED = "changed"
    """Those whose freeze point or rate is another one, as where each application is a process of its own."""


class Kind(StrEnum):
    """What happens."""

    ARRIVES = "arrives"
    """An application wants to run from now on."""
    DEPARTS = "departs"
    """An application is not needed any more."""
    CAPACITY = "capacity"
    """The box can do more or less from now on."""


@dataclass(frozen=True)
class Event:
    """Something happens, and then nothing for a while."""

    kind: Kind
    lasts_s: float
    """Seconds until the next event, or until the trace ends."""
    app_id: str = ""
    """Who arrives or departs."""
    capacity: float = 0.0
    """What the box can compute from now on, in latency times frames/s, where that is what changes."""

    def __str__(self) -> str:
        return f"{self.kind} {self._subject}"

    @property
    def _subject(self) -> str | float:
        return self.capacity if self.kind is Kind.CAPACITY else self.app_id

    def to_spec(self) -> dict[str, Any]:
        return {str(self.kind): self._subject, "lasts_s": self.lasts_s}

    @classmethod
    def from_spec(cls, spec: Any, what: str) -> Event:
        """From {"arrives": "bus", "lasts_s": 60} and the like. Raises UserError."""
        kinds = ", ".join(Kind)
        if not isinstance(spec, dict):
            raise UserError(f"{what} has to be an object with lasts_s and one of {kinds}, got {spec!r:.80}")
        no_others(spec, ("lasts_s", *map(str, Kind)), what)
        given = [kind for kind in Kind if kind in spec]
        if len(given) != 1:
            raise UserError(f"{what} has {' and '.join(given) or 'none'} of {kinds}; give exactly one of them")
        (kind,) = given
        lasts_s = finite(spec.get("lasts_s"), f"lasts_s of {what}", low=0, high=LONGEST_S)
        if kind is Kind.CAPACITY:
            return cls(kind, lasts_s, capacity=finite(spec[kind], f"capacity of {what}", low=0, high=MOST_CAPACITY))
        return cls(kind, lasts_s, app_id=str(spec[kind]))


class Moment(NamedTuple):
    """What there is between two events."""

    present: tuple[int, ...]
    """The applications that want to run, by their index in the trace, rising."""
    capacity: float


@dataclass(frozen=True)
class Trace:
    """What happens. Raises UserError where it makes no sense."""

    applications: tuple[Application, ...]
    """All that are ever present."""
    network: BaseNetwork
    present: tuple[str, ...]
    """Who is there before the first event; the best schedule for them runs already."""
    capacity: float
    """What the box can compute before the first event, in latency times frames/s."""
    redeploy_s: float
    """Seconds without detections after a deployment, for those that it stops."""
    events: tuple[Event, ...]
    restarts: Restarts = Restarts.ALL
    stream_rate: int = 15
    """Frames/s of the video."""
    event_length: EventLength = EventLength.CORRECTED

    def __post_init__(self) -> None:
        all_different(self.applications)
        if not self.events:
            raise UserError("the trace has no events; give at least one")
        if not self.seconds:
            raise UserError("all events of the trace last 0 seconds; one has to last longer")
        for number, moment in enumerate(self.moments):
            when = f"after event {number}" if number else "before the first event"
            if not moment.present:
                raise UserError(f"no application is present {when}; keep at least one")
            task = self.task(moment, moment.capacity)
            if not task.affords(task.least):
                raise UserError(
                    f"the capacity {when} is {moment.capacity:g}, too little for {len(moment.present)} applications: "
                    f"the cheapest schedule costs {task.least:.4f}"
                )

    @cached_property
    def moments(self) -> tuple[Moment, ...]:
        """[events + 1]: before the first event, and after each of them."""
        return tuple(self._moments())

    def _moments(self) -> Iterator[Moment]:
        index = {app.app_id: place for place, app in enumerate(self.applications)}
        for app_id in self.present:
            choose(app_id, index, "application that is present before the first event")
        present, capacity = {index[app_id] for app_id in self.present}, self.capacity
        yield Moment(tuple(sorted(present)), capacity)
        for number, event in enumerate(self.events, 1):
            if event.kind is Kind.CAPACITY:
                yield Moment(tuple(sorted(present)), capacity := event.capacity)
                continue
            app = index[choose(event.app_id, index, f"application of event {number}")]
            arrives = event.kind is Kind.ARRIVES
            if arrives == (app in present):
                raise UserError(f"event {number}: {event}, but it is {'there already' if arrives else 'not there'}")
            present ^= {app}
            yield Moment(tuple(sorted(present)), capacity)

    @cached_property
    def seconds(self) -> float:
        """From the first event to the end."""
        return sum(event.lasts_s for event in self.events)

    @property
    def quality(self) -> Quality:
        """What is lost of F1, as the schedulers see it."""
        return Quality(event_length=self.event_length)

    def task(self, moment: Moment, budget: float) -> Task:
        """What a scheduler is asked then."""
        apps = tuple(self.applications[app] for app in moment.present)
        return Task(apps, self.network, budget, self.stream_rate, self.quality)

    def to_benchmark(self, name: str) -> Benchmark:
        spec = {
            "applications": [app.to_spec() for app in self.applications],
            "network": self.network.to_spec(),
            "stream_fps": self.stream_rate,
            "event_length": str(self.event_length),
            "present": list(self.present),
            "capacity": self.capacity,
            "redeploy_s": self.redeploy_s,
            "restarts": str(self.restarts),
            "events": [event.to_spec() for event in self.events],
        }
        return Benchmark(name, PROBLEM, spec)

    @classmethod
    def from_benchmark(cls, benchmark: Benchmark) -> Trace:
        """Raises UserError when the spec makes no sense."""
        spec, what = benchmark.spec, f"benchmark {benchmark.name!r}"
        no_others(spec, ENTRIES, what)
        network = spec.get("network")
        if not isinstance(network, dict):
            raise UserError(f"{what} needs a network, an object with layer_latencies; got {network!r:.80}")
        return cls(
            tuple(Application.from_spec(app) for app in _list(spec, "applications", what)),
            BaseNetwork.from_spec(network),
            tuple(str(app_id) for app_id in _list(spec, "present", what)),
            finite(spec.get("capacity"), f"capacity of {what}", low=0, high=MOST_CAPACITY),
            finite(spec.get("redeploy_s"), f"redeploy_s of {what}", low=0, high=LONGEST_S),
            tuple(
                Event.from_spec(event, f"event {number} of {what}")
                for number, event in enumerate(_list(spec, "events", what), 1)
            ),
            member(Restarts, spec.get("restarts", Restarts.ALL), "restarts"),
            whole(spec.get("stream_fps", 15), f"stream_fps of {what}", low=1),
            member(EventLength, spec.get("event_length", EventLength.CORRECTED), "event_length"),
        )


def _list(spec: Any, entry: str, what: str) -> Sequence[Any]:
    found = spec.get(entry)
    if not isinstance(found, list | tuple):
        raise UserError(f"{what} needs {entry}, a list; got {found!r:.80}")
    return found
