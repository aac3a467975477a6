"""What an environment of a pool reports, and the errors of a pool."""

from __future__ import annotations

import traceback
from typing import Any, NamedTuple

from rllib_envs.errors import TunewrightError

ENVS_LOST = "num_envs_lost_lifetime"
"""Metric of a runner: environments whose process died and was replaced; each has cost one unfinished episode."""


class EnvError(TunewrightError):
    """An environment raised something that can't be handed over as it is. The message has its type and text."""


class EnvsKeepDying(TunewrightError):
    """The process of an environment was killed again and again before it had finished one step."""


class Started(NamedTuple):
    """An episode begins."""

    observation: Any
    info: dict[str, Any]


class Stepped(NamedTuple):
    """An action was played. After a last step the environment resets itself, and `Started` follows."""

    observation: Any
    reward: float
    terminated: bool
    truncated: bool
    info: dict[str, Any]

    @property
    def done(self) -> bool:
        return self.terminated or self.truncated


class Lost(NamedTuple):
    """The environment's process has died, and its episode with it. Another is on its way, and `Started` follows."""

    reason: str


Outcome = Started | Stepped | Lost


def with_trace(error: Exception, index: int) -> Exception:
    """The environment's error with its traceback as a note, which survives the way to another process."""
    error.add_note(f"environment {index} raised this:\n{''.join(traceback.format_exception(error))}")
    return error
