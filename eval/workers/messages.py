"""What a worker and its crew say to each other, pickled over a private socket pair, besides orders and results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from eval.plan import Plan
from rllib_envs.problem import Problem

READY = "ready"
"""The first thing that a worker says."""


class Job(NamedTuple):
    """What a worker is for."""

    make: Callable[[], Problem[Any]]
    """The problem that it measures with."""
    plan: Plan


class Broken(NamedTuple):
    """An order was not carried out, in the words of what was raised."""

    reason: str
