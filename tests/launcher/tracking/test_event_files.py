"""TensorBoard reads what we write."""

from __future__ import annotations

import math
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from launcher.tracking.event_files import EventFiles
from launcher.tracking.figures import figures


def row(iteration: int, value: float) -> dict[str, object]:
    losses = {"total_loss": value, "broken": math.nan}
    return {"iteration": iteration, "return_mean": value, "best_speedup": None, "losses": losses, "figures": {}}


def curves(run: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(run))
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_figures_have_their_section_and_are_numbers() -> None:
    assert figures(row(3, 0.5)) == {"learning/return_mean": 0.5, "loss/total_loss": 0.5}


def test_a_run_is_a_curve(tmp_path: Path) -> None:
    events = EventFiles(tmp_path, after_iteration=0)
    for iteration in (1, 2):
        events.log(row(iteration, iteration / 4))
    events.close()
    assert curves(tmp_path) == {name: [(1, 0.25), (2, 0.5)] for name in ("learning/return_mean", "loss/total_loss")}


def test_iterations_that_are_done_again_are_shown_once(tmp_path: Path) -> None:
    events = EventFiles(tmp_path, after_iteration=0)
    for iteration in (1, 2, 3):
        events.log(row(iteration, 0.25))
    events.close()
    again = EventFiles(tmp_path, after_iteration=1)
    again.log(row(2, 0.75))
    again.close()
    assert curves(tmp_path)["learning/return_mean"] == [(1, 0.25), (2, 0.75)]
