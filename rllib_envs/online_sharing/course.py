"""The state: what was decided at the first events of a trace, and what came of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rllib_envs.online_sharing.options import OPTIONS
from rllib_envs.online_sharing.running import Deployed, Running
from rllib_envs.online_sharing.scene import Scene
from rllib_envs.online_sharing.trace import Event, Moment

ASSUMED_STAY_S = 60.0
"""Seconds from one event to the next, before any was seen; counts as much as one that was."""


@dataclass(frozen=True)
class Course:
    """One decision for each event that is over. The next event, if there is one, has happened just now.

    How long that one will last and what comes behind it is in `scene`, too: for `evaluate`, and nothing else.
    """

    scene: Scene
    running: Running = field(compare=False, repr=False)
    """What runs; like `detected` it follows from the decisions."""
    decisions: tuple[str, ...] = ()
    detected: float = field(default=0.0, compare=False, repr=False)
    """Mean F1 over the applications present, times seconds, so far."""

    @classmethod
    def start(cls, scene: Scene) -> Course:
        """At the first event; what runs is the best schedule for what was before it."""
        before = scene.trace.moments[0]
        return cls(scene, Running.undisturbed(scene.scheduled("exact", before, before.capacity)))

    @property
    def finished(self) -> bool:
        return len(self.decisions) == len(self.scene.trace.events)

    @property
    def past(self) -> tuple[Event, ...]:
        """The events that are over."""
        return self.scene.trace.events[: len(self.decisions)]

    @property
    def event(self) -> Event:
        """The one to decide at."""
        return self.scene.trace.events[len(self.decisions)]

    @property
    def moment(self) -> Moment:
        """What there is after that event."""
        return self.moments[-1]

    @property
    def moments(self) -> tuple[Moment, ...]:
        """What there was before the first event, and after each until now."""
        return self.scene.trace.moments[: len(self.decisions) + 2]

    @property
    def mean_stay_s(self) -> float:
        """Seconds that an event lasts, from those that are over."""
        return (ASSUMED_STAY_S + sum(event.lasts_s for event in self.past)) / (1 + len(self.past))

    @cached_property
    def options(self) -> Mapping[str, Deployed]:
        """What each option would deploy now."""
        return {name: option(self.scene, self.moment, self.running.deployed) for name, option in OPTIONS.items()}

    def switched(self, deployed: Deployed) -> Running:
        """What runs, and who is stopped, once that is deployed now."""
        trace = self.scene.trace
        return self.running.with_deployed(deployed, trace.redeploy_s, trace.restarts)

    def after(self, deployed: Deployed, decision: str) -> Course:
        """At the next event, or at the end."""
        running, lasts_s = self.switched(deployed), self.event.lasts_s
        detected = self.detected + self.scene.detected(running, self.moment, lasts_s)
        return Course(self.scene, running.later(lasts_s), (*self.decisions, decision), detected)
