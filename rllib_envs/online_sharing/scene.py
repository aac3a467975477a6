"""A trace with what is computed of it once: schedules, and what a deployment detects."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from rllib_envs.online_sharing.running import Deployed, Running
from rllib_envs.online_sharing.trace import Moment, Trace
from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.choices import Choices
from rllib_envs.stem_sharing.schedule import Schedule, cost
from rllib_envs.stem_sharing.schedulers import SCHEDULERS

SCENES_KEPT = 512
"""At about 0.2 MB each."""
DEPLOYMENTS_KEPT = 16_384
"""At less than 1 kB each."""


class Scene:
    """Compared by its benchmark."""

    def __init__(self, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.trace = Trace.from_benchmark(benchmark)
        self._schedules: dict[tuple[str, tuple[int, ...], float], Schedule] = {}
        self._choices: dict[tuple[int, ...], Choices] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Scene) and (self is other or self.benchmark == other.benchmark)

    def __hash__(self) -> int:
        return hash(self.benchmark.name)

    def __reduce__(self) -> tuple[Callable[[Benchmark], Scene], tuple[Benchmark]]:
        """Without what is remembered; a process that knows the benchmark already has it all."""
        return scene_of, (self.benchmark,)

    def scheduled(self, scheduler: str, moment: Moment, budget: float) -> Deployed:
        """What one of SCHEDULERS makes of the applications present. Raises TooLittle.

        It is asked once for each set of applications and budget; an exact answer takes about 40 ms.
        """
        key = scheduler, moment.present, budget
        if key not in self._schedules:
            self._schedules[key] = SCHEDULERS[scheduler](self.trace.task(moment, budget))
        return self.deployed(moment, self._schedules[key])

    def deployed(self, moment: Moment, schedule: Schedule) -> Deployed:
        """The schedule of the applications present; the others don't run."""
        found = dict(zip(moment.present, schedule, strict=True))
        return tuple(found.get(app) for app in range(len(self.trace.applications)))

    def choices(self, moment: Moment) -> Choices:
        """Of the applications present, in their order."""
        if moment.present not in self._choices:
            self._choices[moment.present] = Choices(self.trace.task(moment, moment.capacity))
        return self._choices[moment.present]

    def load(self, deployed: Deployed) -> float:
        """What all that runs costs, in latency times frames/s; applications that have departed are part of it."""
        return cost(self.trace.network, [choice for choice in deployed if choice is not None])

    def share_reached(self, deployed: Deployed, capacity: float) -> float:
        """Of all rates: nets that cost more than the capacity slow down alike, as in `executor/simulator.py`."""
        load = self.load(deployed)
        return min(1.0, capacity / load) if load else 1.0

    def f1s(self, deployed: Deployed, moment: Moment) -> tuple[float, ...]:
        """Of each application present where nothing is stopped; 0 for those that don't run."""
        return _f1s(self, deployed, moment)

    def detected(self, running: Running, moment: Moment, seconds: float) -> float:
        """The mean F1 over the applications present, times seconds, in the next `seconds` if nothing happens."""
        looking = [max(0.0, seconds - running.stopped_s[app]) for app in moment.present]
        found = self.f1s(running.deployed, moment)
        return sum(f1 * looked_s for f1, looked_s in zip(found, looking, strict=True)) / len(found)


@lru_cache(maxsize=SCENES_KEPT)
def scene_of(benchmark: Benchmark) -> Scene:
    """Raises UserError when the benchmark makes no sense."""
    return Scene(benchmark)


@lru_cache(maxsize=DEPLOYMENTS_KEPT)
def _f1s(scene: Scene, deployed: Deployed, moment: Moment) -> tuple[float, ...]:
    trace, quality, stream_rate = scene.trace, scene.trace.quality, float(scene.trace.stream_rate)
    share, found = scene.share_reached(deployed, moment.capacity), []
    for index in moment.present:
        choice, app = deployed[index], trace.applications[index]
        if choice is None:
            found.append(0.0)
        else:
            variant = app.variant(choice.freeze_point)
            found.append(quality.detection(app, variant, share * choice.rate, stream_rate).f1)
    return tuple(found)
