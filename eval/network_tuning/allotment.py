"""Which kernel of a network is tuned next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rllib_envs.kernel_tuning.module_task import Task
from rllib_envs.kernel_tuning.protocol import Schedule


@dataclass
class Standing:
    """How far a kernel is."""

    task: Task
    weight: int
    """How often the network calls it."""
    untuned: float
    """Seconds of one call as TVM compiles it without a schedule."""
    trials: int = 0
    best: float = 0.0
    """Seconds of the fastest schedule so far; 0 before there is one."""
    schedule: Schedule | None = None
    """Which one that is."""
    done: bool = False
    """Whether there is nothing left to try."""

    @property
    def seconds(self) -> float:
        """Of one call as the network would have it now: a schedule that is slower than none is not used."""
        return min(self.best, self.untuned) if self.best else self.untuned

    @property
    def share(self) -> float:
        """What its calls add to the network's latency, in seconds."""
        return self.weight * self.seconds


def next_kernel(standings: Sequence[Standing], batch: int) -> Standing | None:
    """The one whose share of the latency is largest for the batches that it has had; None when all are done.

    So trials go to kernels in proportion to their shares, as seats go to parties by votes (d'Hondt's method), and
    follow them: a kernel that has become fast makes room for others.
    """
    going = [standing for standing in standings if not standing.done]
    return max(going, key=lambda standing: standing.share / (1 + standing.trials / batch), default=None)
