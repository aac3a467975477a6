"""What a user would do without a search: scale all factors by one coefficient, or, with a whole table, look it up."""

from __future__ import annotations

from collections.abc import Iterator

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.grid import Place
from rllib_envs.network_scaling.scaling import LARGEST, SMALLEST, UNSCALED, Scaling
from rllib_envs.network_scaling.surface import ToySurface
from rllib_envs.network_scaling.task import Task

DEPTH, WIDTH, RESOLUTION = 1.2, 1.1, 1.15
"""Of EfficientNet (Tan and Le 2019, section 3.3): one step of the coefficient doubles the multiply-adds."""
COEFFICIENTS = [step / 4 for step in range(32, -81, -1)]
"""From 8 down to -20, in quarters: from the largest networks to the smallest of any grid."""


def compound_places(task: Task) -> Iterator[Place]:
    """Compound scaling of the unscaled network: what keeps the bounds, the largest first."""
    known: set[Place] = set()
    for coefficient in COEFFICIENTS:
        factors = (
            UNSCALED.width * WIDTH**coefficient,
            UNSCALED.depth * DEPTH**coefficient,
            UNSCALED.resolution * RESOLUTION**coefficient,
        )
        wanted = Scaling(
            *(min(max(round(f), low), high) for f, low, high in zip(factors, SMALLEST, LARGEST, strict=True))
        )
        place = task.surface.grid.place(wanted)
        if place not in known and task.fits(place):
            known.add(place)
            yield place


def compound_scaling(task: Task) -> Place:
    """The largest network of compound scaling that keeps the bounds; where none does, where the task begins."""
    return next(compound_places(task), task.start)


def optimum(task: Task) -> Place:
    """The most accurate place that keeps the bounds. UserError where accuracies would have to be trained."""
    if isinstance(task.surface, ToySurface):
        return task.surface.grid.place(Scaling(*task.surface.BEST, 0))
    if task.table is None:
        raise UserError("the optimum is known where there is a whole table of accuracies; this task has none")
    cells, grid = task.table.cells, task.table.grid
    fitting = [place for place in grid.places() if task.fits(place)]
    return max(fitting, key=lambda place: cells[task.setting.architecture(grid.scaling(place)).key].mean)
