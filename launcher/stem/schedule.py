"""`launcher/stem_sharing.py schedule`: one schedule, as data that can be sent, and as people read it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from launcher.stem.options import ScheduleOptions, SchedulingOptions
from launcher.stem.setup import Setup, read_setup
from launcher.tables import print_table
from models.store.atomic import new_file
from rllib_envs.stem_sharing.nets import nets


class Planned(NamedTuple):
    """A schedule and what it is expected to do."""

    apps: Sequence[tuple[str, int, float, float]]
    """Of each: its name, freeze point, frames/s and loss."""
    metric: str
    f1: float
    fnr: float
    fpr: float
    cost: float
    budget: float
    nets: Sequence[Mapping[str, Any]]
    """What is to be deployed."""


def plan(setup: Setup, options: SchedulingOptions, mode: str) -> Planned:
    """Raises UserError for what makes no sense, and TooLittle where the budget is too little for any schedule."""
    scheduler = setup.scheduler(options, mode)
    schedule = scheduler.schedule(options.budget)
    report = scheduler.report(schedule)
    losses = scheduler.task(options.budget).app_losses(schedule)
    apps = tuple(
        (app.app_id, choice.freeze_point, choice.rate, float(loss))
        for app, choice, loss in zip(scheduler.applications, schedule, losses, strict=True)
    )
    messages = [net.message() for net in nets(scheduler.network, scheduler.applications, schedule)]
    means = (report.f1, report.fnr, report.fpr)
    return Planned(apps, options.metric, *means, report.cost, options.budget, messages)


def show(planned: Planned, emit: Path | None) -> None:
    """Print it, and write its nets into a file if there is to be one."""
    table = Table(box=None, pad_edge=False)
    for column in ("application", "freeze point", "frames/s", f"loss ({planned.metric})"):
        table.add_column(column, justify="left" if column == "application" else "right")
    for app, point, rate, loss in planned.apps:
        table.add_row(app, str(point), f"{rate:g}", f"{loss:.4f}")
    print_table(table)
    print(f"mean F1 {planned.f1:.4f}, events missed {planned.fnr:.1%}, false alerts {planned.fpr:.1%}")
    print(f"costs {planned.cost:.2f} of {planned.budget:g}")
    if emit:
        with new_file(emit) as draft:
            draft.write_text(json.dumps(planned.nets, indent=1) + "\n")
        print(f"nets: {emit}")


def run_schedule(options: ScheduleOptions) -> None:
    """Print a schedule and what it is expected to do; exit code 2 where the budget is too little for any."""
    show(plan(read_setup(options.setup), options, options.mode), options.emit)
