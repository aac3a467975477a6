"""TensorBoard's event files in the run directory: `tensorboard --logdir runs/` shows every run side by side."""

from __future__ import annotations

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
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingPackage(f"event files need TensorBoard ({error}); pip install 'tunewright[train]'") from None
        purged = {"purge_step": after_iteration + 1} if after_iteration else {}
        self._writer = SummaryWriter(str(run), flush_secs=FLUSH_S, **purged)  # type: ignore[no-untyped-call]

    def log(self, row: Mapping[str, Any]) -> None:
        """The figures of one iteration, as `metrics.jsonl` has them."""
        for name, value in figures(row).items():
            self._writer.add_scalar(name, value, row["iteration"])  # type: ignore[no-untyped-call]

    def close(self) -> None:
        self._writer.close()  # type: ignore[no-untyped-call]
