"""TensorBoard's event files in the run directory: `tensorboard --logdir runs/` shows every run side by side."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from launcher.tracking.figures import figures
from rllib_envs.errors import MissingPackage

FLUSH_S = 10
"""A page that shows them is that far behind."""


class EventFiles:
    """The curves of one run. What it can't write is lost without harm: `metrics.jsonl` has it, too."""

    def __init__(self, run: Path, after_iteration: int) -> None:
        """Go on after an iteration; what event files of an earlier part say of later ones is hidden from then on.

        Raises MissingPackage without TensorBoard.
        """
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as error:
            raise MissingPackage(f"event files need TensorBoard ({error}); pip install 'tunewright[train]'") from None
        self._events, self._summaries = event_pb2, summary_pb2
        self._writer = EventFileWriter(str(run), flush_secs=FLUSH_S)
        if after_iteration:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._add(after_iteration + 1, session_log=start)

    def log(self, row: Mapping[str, Any]) -> None:
        """The figures of one iteration, as `metrics.jsonl` has them."""
        value = self._summaries.Summary.Value
        values = [value(tag=name, simple_value=figure) for name, figure in figures(row).items()]
        self._add(row["iteration"], summary=self._summaries.Summary(value=values))

    def _add(self, step: int, **what: Any) -> None:
        self._writer.add_event(self._events.Event(step=step, wall_time=time.time(), **what))

    def close(self) -> None:
        self._writer.close()
