"""A job: of which kind it can be, in which state, and what its worker and its client know of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

TRAIN, SCHEDULE, DEPLOY = "train", "schedule", "deploy"
KINDS = (TRAIN, SCHEDULE, DEPLOY)
ALONE = frozenset({DEPLOY})
"""Kinds of which one job runs at a time: two that deploy would undo each other's work."""
QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"


class Given(NamedTuple):
    """A job as its worker has it."""

    id: str
    token: str
    """Greater than that of everybody who had the job before."""
    ask: Mapping[str, Any]
    done: Mapping[int, Mapping[str, Any]]
    """What is done of it already, by freeze point."""
    lines: int
    """How many there are already."""


class Outcome(NamedTuple):
    """How a job ended."""

    state: str
    result: Mapping[str, Any] = {}
    error: str = ""
    code: int = 0
    """What a command should end with."""
