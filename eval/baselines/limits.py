"""How long a baseline may search for a schedule of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from rllib_envs.errors import UserError

TRIALS = 64
SECONDS = 60.0
SOLVER_SECONDS = 10.0


@dataclass(frozen=True)
class TuningLimits:
    """For each benchmark; whichever is reached first ends a search."""

    trials: int = TRIALS
    """Schedules that are compiled and run."""
    seconds: float = SECONDS
    """Wall time."""
    folder: Path = field(default=Path("tuned"), compare=False)
    """Where what was found is kept, so that a comparison that is started again goes on from there."""
    solver_seconds: float = SOLVER_SECONDS
    """Wall time of a solver of mapping tasks."""

    def __post_init__(self) -> None:
        least = min(self.seconds, self.solver_seconds)
        if self.trials < 1 or not least > 0:
            raise UserError(f"tuning needs at least 1 trial and more than 0 seconds, got {self.trials} and {least:g}")
