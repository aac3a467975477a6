"""The scheduler as users call it: with dictionaries, for one budget after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from rllib_envs.names import choose
from rllib_envs.stem_sharing.application import Application, all_different
from rllib_envs.stem_sharing.checked import finite, no_others, whole
from rllib_envs.stem_sharing.nets import Net, nets, observed
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.quality import Quality
from rllib_envs.stem_sharing.schedule import Schedule, cost
from rllib_envs.stem_sharing.schedulers import MODES, SCHEDULERS
from rllib_envs.stem_sharing.task import Task

NEAR = 0.2
"""Relative difference of the observed cost from the planned one, below which a deployment is as wanted."""
DAMPING = 0.5
"""Share of the way from the planned to the observed cost that the next budget goes."""
MOST_DEPLOYMENTS = 10


class Executor(Protocol):
    """What runs nets."""

    def deploy(self, deployed: Sequence[Net]) -> Sequence[float]:
        """The frames/s that each net reaches which is not shared, in their order. Raises TunewrightError."""
        ...


class Report(NamedTuple):
    """What a schedule is expected to do; means over the applications."""

    fnr: float
    fpr: float
    f1: float
    cost: float
    relative_accuracy_loss: float
    """How much less accurate the networks are than those with the fewest layers kept."""
    frozen: tuple[int, ...]
    """Freeze point of each application."""
    fps: tuple[float, ...]
    """Frames/s of each."""


class Deployment(NamedTuple):
    """One turn of planning and deploying."""

    budget: float
    schedule: Schedule
    planned_cost: float
    observed: Schedule
    """With the rates that were reached."""
    observed_cost: float

    @property
    def near(self) -> bool:
        """Whether it runs as planned."""
        return abs(self.observed_cost - self.planned_cost) <= NEAR * self.planned_cost


class Scheduler:
    """Chooses a freeze point and a rate for each application.

    Args:
        apps: the applications, each as in `Application.from_spec`.
        video_desc: {"stream_fps": frames/s}.
        model_desc: as in `BaseNetwork.from_spec`.
        quality: the loss.
        scheduler: a name of SCHEDULERS, or a function as they are.
        mode: a name of MODES.

    Raises UserError for what makes no sense.
    """

    def __init__(
        self,
        apps: Sequence[Mapping[str, Any]],
        video_desc: Mapping[str, Any],
        model_desc: Mapping[str, Any],
        quality: Quality = Quality(),  # noqa: B008  (immutable)
        scheduler: str | Callable[[Task], Schedule] = "exact",
        mode: str = "mainstream",
    ) -> None:
        self.applications = all_different(Application.from_spec(app) for app in apps)
        self.network = BaseNetwork.from_spec(model_desc)
        no_others(video_desc, ("stream_fps",), "video_desc")
        self.stream_rate = whole(video_desc.get("stream_fps"), "stream_fps", low=1)
        self._quality = quality
        if isinstance(scheduler, str):
            scheduler = SCHEDULERS[choose(scheduler, SCHEDULERS, "scheduler")]
        self._schedule = scheduler
        self._mode = MODES[choose(mode, MODES, "mode")]

    def task(self, cost_threshold: float) -> Task:
        """What is asked for this budget."""
        budget = finite(cost_threshold, "cost_threshold", low=0)
        return self._mode(Task(self.applications, self.network, budget, self.stream_rate, self._quality))

    def schedule(self, cost_threshold: float) -> Schedule:
        """Raises TooLittle when no schedule costs so little."""
        return self._schedule(self.task(cost_threshold))

    def run(self, cost_threshold: float) -> Report:
        """Plan for a budget, in latency times frames/s."""
        return self.report(self.schedule(cost_threshold))

    def report(self, schedule: Schedule) -> Report:
        """What a schedule does, also one with rates that were observed."""
        quality, rate = self._quality, float(self.stream_rate)
        found, lost = [], []
        for app, choice in zip(self.applications, schedule, strict=True):
            variant = app.variant(choice.freeze_point)
            best = max(other.hit for other in app.variants)
            found.append(quality.detection(app, variant, choice.rate, rate))
            lost.append((best - variant.hit) / best if best else 0.0)
        fnr, fpr, f1 = (sum(column) / len(found) for column in zip(*found, strict=True))
        frozen, fps = zip(*schedule, strict=True)
        return Report(fnr, fpr, f1, cost(self.network, schedule), sum(lost) / len(lost), frozen, fps)

    def deploy(self, cost_threshold: float, executor: Executor) -> list[Deployment]:
        """Plan and deploy until the executor does what was planned, at most MOST_DEPLOYMENTS times.

        The last deployment is in force. Each budget lies between what was planned and what was observed, and is never
        above `cost_threshold`.
        """
        return list(self.deployments(cost_threshold, executor))

    def deployments(self, cost_threshold: float, executor: Executor) -> Iterator[Deployment]:
        """The turns of `deploy` as they happen."""
        budget = cost_threshold
        for _ in range(MOST_DEPLOYMENTS):
            schedule = self.schedule(budget)
            deployed = nets(self.network, self.applications, schedule)
            seen = observed(schedule, deployed, self.applications, executor.deploy(deployed))
            turn = Deployment(budget, schedule, cost(self.network, schedule), seen, cost(self.network, seen))
            yield turn
            if turn.near:
                return
            budget = turn.planned_cost + DAMPING * (turn.observed_cost - turn.planned_cost)
            budget = min(cost_threshold, max(budget, self.task(budget).least))
