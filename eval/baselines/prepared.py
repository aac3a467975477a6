"""What a library makes of a statement before anything is timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from eval.baselines.limits import TuningLimits
from rllib_envs.loop_nest.backend.child import Call
from rllib_envs.loop_nest.backend.workload import Workload


class Prepared(NamedTuple):
    """Code that is ready to run on the tensors of one workload."""

    call: Call
    how: str
    """Whose code it is and how it was chosen, for people."""
    tuning_seconds: float
    """Wall time of compiling and searching."""
    trials: int = 0
    """Schedules that were run in the search."""


Prepare = Callable[[Workload, TuningLimits], Prepared]
"""Raises NotAvailable where a library has no code for the statement."""
Library = Mapping[str, Prepare]
"""By the name of the baseline."""
