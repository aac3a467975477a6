"""How much a search may spend."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rllib_envs.errors import UserError


@dataclass(frozen=True)
class Budget:
    """What one search may spend on one benchmark. Of two limits, the first one reached ends it."""

    seconds: float | None = None
    """Wall-clock seconds of all that the method does: measuring, compiling, inference, bookkeeping."""
    evaluations: int | None = None
    """Evaluations of the objective; what a search has seen before and finds again is not counted."""

    def __post_init__(self) -> None:
        if self.seconds is None and self.evaluations is None:
            raise UserError("a budget needs a number of seconds, a number of evaluations, or both")
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise UserError(f"a budget of {self.seconds} seconds is not possible; give a positive number")
        if self.evaluations is not None and self.evaluations < 1:
            raise UserError(f"a budget of {self.evaluations} evaluations is not possible; give at least 1")

    def spent(self, seconds: float, evaluations: int) -> bool:
        """Whether nothing more may be begun."""
        out_of_time = self.seconds is not None and seconds >= self.seconds
        return out_of_time or (self.evaluations is not None and evaluations >= self.evaluations)

    def share(self, seconds: float, evaluations: int) -> float:
        """How much of it that is, from 0 to 1: of two limits, the one that is nearer counts."""
        of_seconds = 0.0 if self.seconds is None else seconds / self.seconds
        of_evaluations = 0.0 if self.evaluations is None else evaluations / self.evaluations
        return min(max(of_seconds, of_evaluations), 1.0)

    def __str__(self) -> str:
        seconds = [] if self.seconds is None else [f"{self.seconds:g} s"]
        evaluations = [] if self.evaluations is None else [f"{self.evaluations} evaluations"]
        return " or ".join(seconds + evaluations)
