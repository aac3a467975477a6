"""What can be done at an event. Each option says what is to be deployed then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from rllib_envs.online_sharing.running import Deployed
from rllib_envs.online_sharing.scene import Scene
from rllib_envs.online_sharing.trace import Moment
from rllib_envs.stem_sharing.greedy import gain_per_cost, improved

MORE = 1.2
"""Times the capacity that `solve_for_more` plans for. What is planned runs slower at first, and as planned once the
capacity has risen. Planning for less, so that there is room for newcomers, was tried and hardly ever pays: what is too
dear slows down smoothly."""

Option = Callable[[Scene, Moment, Deployed], Deployed]
"""From a trace, what there is after an event, and what runs: to what is to run."""


def keep(scene: Scene, moment: Moment, deployed: Deployed) -> Deployed:
    """What runs goes on: who has arrived waits, and who has departed runs on."""
    return deployed


def add(scene: Scene, moment: Moment, deployed: Deployed) -> Deployed:
    """The least change: who waits gets the best of what is left, or else the cheapest choice; the others that are
    present keep theirs. Nothing changes where nobody waits.
    """
    waits = [deployed[app] is None for app in moment.present]
    if not any(waits):
        return deployed
    choices = scene.choices(moment)
    columns = choices.columns(scene.trace.task(moment, moment.capacity).cheapest)
    for row, app in enumerate(moment.present):
        if (choice := deployed[app]) is not None:
            columns[row] = choices.column(row, choice)
    allowed = np.isfinite(choices.loss) & np.array(waits)[:, None]
    (best,) = improved(choices, columns[None], moment.capacity, gain_per_cost, allowed[None])
    return scene.deployed(moment, choices.schedule(best))


def solve(scene: Scene, moment: Moment, deployed: Deployed) -> Deployed:
    """The best schedule for those present."""
    return unless_it_runs(scene, moment, deployed, scene.scheduled("exact", moment, moment.capacity))


def solve_for_more(scene: Scene, moment: Moment, deployed: Deployed) -> Deployed:
    """The best schedule for those present on a box that could do more than this one can now."""
    return unless_it_runs(scene, moment, deployed, scene.scheduled("exact", moment, MORE * moment.capacity))


def unless_it_runs(scene: Scene, moment: Moment, deployed: Deployed, wanted: Deployed) -> Deployed:
    """What is wanted; or what runs, where all present have that already and nobody who departed slows them down."""
    same = all(deployed[app] == wanted[app] for app in moment.present)
    return deployed if same and scene.f1s(deployed, moment) == scene.f1s(wanted, moment) else wanted


OPTIONS: Mapping[str, Option] = MappingProxyType(
    {"keep": keep, "add": add, "solve": solve, "solve_for_more": solve_for_more}
)
"""By the name of their action."""
