"""One task: a base network, a data set, a device, and the bounds on latency and memory."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.network_scaling.accuracy_table import AccuracyTable
from rllib_envs.network_scaling.grid import Grid, Place, whole_grid
from rllib_envs.network_scaling.latency import find_latencies
from rllib_envs.network_scaling.places import latency_folder
from rllib_envs.network_scaling.results import REWARD_POINTS
from rllib_envs.network_scaling.scaling import UNSCALED, Scaling, parse_scaling
from rllib_envs.network_scaling.setting import Setting
from rllib_envs.network_scaling.surface import Extent, NetworkSurface, Surface, ToySurface, Usage, extent_of
from rllib_envs.problem import Benchmark

TASKS_KEPT = 256
KNOWN = ("toy", "table", "setting", "grid", "seeds", "platform", "device", "latency", "memory", "start", "scale")
TOY_BOUNDS = Usage(latency=1.0, memory=10.0)


class NoArchitecture(TunewrightError):
    """Nothing on the grid keeps the bounds."""


@dataclass(frozen=True)
class Task:
    """What a benchmark's spec says. UserError where it makes no sense, in `check` or at the first use of the part.

    The spec has either `toy`: true, or `table`, the name or path of a table of accuracies, or `setting`; `platform` and
    `device`; the bounds `latency` (seconds for a batch) and `memory` (megabytes); and may have `grid`, `seeds`,
    `start` (width, depth, resolution) and `scale`, the gain that earns a reward of 1.
    """

    text: str
    """The spec as canonical JSON."""
    folder: Path
    """Of one's own tables of latencies and results."""
    live: bool
    """Whether what a table lacks is trained."""

    @classmethod
    def of(cls, benchmark: Benchmark, folder: Path, live: bool) -> Task:
        """The same object for the same arguments, as long as it is remembered."""
        return _task(json.dumps(benchmark.spec, sort_keys=True), folder, live)

    def __reduce__(self) -> tuple[Any, ...]:
        """Without what follows from the spec."""
        return _task, (self.text, self.folder, self.live)

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        spec: dict[str, Any] = json.loads(self.text)
        for name in spec:
            if name not in KNOWN:
                raise UserError(f"a task of network scaling has no {name!r}; known: {', '.join(KNOWN)}")
        return spec

    @property
    def toy(self) -> bool:
        return bool(self.spec.get("toy", False))

    @cached_property
    def table(self) -> AccuracyTable | None:
        name = self.spec.get("table")
        return AccuracyTable.find(str(name)) if name is not None else None

    @cached_property
    def setting(self) -> Setting:
        if self.table is not None:
            return self.table.setting
        if "setting" not in self.spec:
            raise UserError("a task of network scaling needs a table of accuracies, or a setting to train with")
        if not self.live:
            raise UserError("this task has no table of accuracies, so its candidates must be trained; set live to true")
        return Setting.from_json(self.spec["setting"])

    @cached_property
    def seeds(self) -> int:
        """How often each candidate is trained."""
        seeds = self.spec.get("seeds", self.table.seeds if self.table else 1)
        if type(seeds) is not int or seeds < 1:
            raise UserError(f"seeds is {seeds!r}; give a whole number of at least 1")
        return seeds

    @cached_property
    def surface(self) -> Surface:
        if self.toy:
            return ToySurface()
        setting, spec = self.setting, self.spec
        latencies = find_latencies(
            setting.network,
            str(spec.get("platform", "desktop")),
            str(spec.get("device", "cpu")),
            setting.channels,
            setting.classes,
            setting.scaled_stem,
            (latency_folder(self.folder),),
        )
        if "grid" in spec:
            if self.table is not None and not self.live:
                raise UserError("a table has a grid of its own; leave grid out, or set live to true")
            grid = Grid.from_json(spec["grid"])
        elif self.table is not None and not self.live:
            grid = self.table.grid
        else:
            grid = whole_grid(setting.network, setting.scaled_stem, latencies.within)
        return NetworkSurface(setting, grid, latencies)

    @cached_property
    def bounds(self) -> Usage:
        if self.toy:
            return TOY_BOUNDS._replace(**{name: self._positive(name) for name in Usage._fields if name in self.spec})
        return Usage(self._positive("latency"), self._positive("memory"))

    @cached_property
    def scale(self) -> float:
        """The gain that earns a reward of 1, in the unit of accuracy."""
        if "scale" in self.spec:
            return self._positive("scale")
        return 1.0 if self.toy else REWARD_POINTS

    def _positive(self, name: str) -> float:
        value = self.spec.get(name)
        if not isinstance(value, float | int) or isinstance(value, bool) or not 0 < value < math.inf:
            raise UserError(f"{name} of a task of network scaling is {value!r}; give a positive number")
        return float(value)

    def check(self) -> None:
        """Refuse what makes no sense, NoArchitecture included, and a table that isn't complete."""
        if not self.toy and self.table is not None and not self.live:
            self.table.cells  # noqa: B018
        self.start, self.extent, self.scale, self.toy or self.seeds  # noqa: B018

    @cached_property
    def extent(self) -> Extent:
        return extent_of(self.surface)

    def fits(self, place: Place) -> bool:
        """Whether it is known to keep the bounds."""
        usage = self.surface.usage(place)
        return usage is not None and usage.within(self.bounds)

    @cached_property
    def start(self) -> Place:
        """Where the task begins: the wanted start, made smaller until it fits. NoArchitecture where nothing does."""
        grid, place = self.surface.grid, self._wanted()
        while not self.fits(place) and place != (0, 0, 0):
            width, depth, size = place
            place = (max(0, width - 1), max(0, depth - 1), size) if width or depth else (0, 0, size - 1)
        if self.fits(place):
            return place
        known = [(usage, edge) for edge in grid.edges() if (usage := self.surface.usage(edge)) is not None]
        if not known:
            raise UserError("the table of latencies has none of the smallest networks of this grid; measure them")
        usage, edge = min(known, key=lambda one: one[0].excess(self.bounds))
        if usage.within(self.bounds):
            return edge
        raise NoArchitecture(
            "There are no possible architecture satisfying constraints! The nearest miss is "
            f"{self.surface.text(edge)}, which takes {usage_text(usage)}; the bounds are {usage_text(self.bounds)}"
        )

    def _wanted(self) -> Place:
        grid = self.surface.grid
        if self.toy:
            width, depth, size = (length - 1 for length in grid.shape)
            return width, depth, size
        if "start" not in self.spec:
            return grid.place(UNSCALED)
        return grid.place(self._parsed(self.spec["start"]))

    @staticmethod
    def _parsed(start: Any) -> Scaling:
        try:
            width, depth, resolution = start
            return parse_scaling(float(width), float(depth), int(resolution))
        except (TypeError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f"start is {start!r}; give width, depth and resolution, such as [1.0, 1.0, 32]") from None


def usage_text(usage: Usage) -> str:
    return f"{usage.latency:.4g} s and {usage.memory:.4g} MB"


@lru_cache(maxsize=TASKS_KEPT)
def _task(text: str, folder: Path, live: bool) -> Task:
    return Task(text, folder, live)
