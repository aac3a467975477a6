"""How far training has come, how fast, and what its parts wait for."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from models.apex_dqn.env_runner import Played, Weights
from models.replay.shard import Drawn

LEARNING, WAITING, THROTTLED, ELSEWHERE = "learning", "waiting", "throttled", "elsewhere"
"""What the learner does: it works; it could work and doesn't; it must wait for new steps first; it isn't asked to."""


@dataclass
class Totals:
    """Counted over the whole training."""

    env_steps: int = 0
    trained: int = 0
    """Transitions learnt from, each as often as it was drawn."""
    updates: int = 0
    weights_version: int = 0


class Meter:
    def __init__(self) -> None:
        self.totals = Totals()
        self._seconds = dict.fromkeys((LEARNING, WAITING, THROTTLED, ELSEWHERE), 0.0)
        self._state, self._since = ELSEWHERE, time.monotonic()
        self._last_progress = self._since
        self._start_period()

    def _start_period(self) -> None:
        self._began = time.monotonic()
        self._totals_then = asdict(self.totals)
        self._seconds_then = dict(self._seconds)
        self._fragments: list[Played] = []
        self._behind: list[tuple[int, int]] = []

    def enter(self, state: str) -> None:
        """The learner does this from now on."""
        now = time.monotonic()
        self._seconds[self._state] += now - self._since
        if self._state == ELSEWHERE:
            self._last_progress += now - self._since
        self._state, self._since = state, now

    def played(self, fragment: Played, weights: Weights) -> None:
        """A fragment arrived while `weights` were the newest."""
        self.totals.env_steps += fragment.env_steps
        self._fragments.append(fragment)
        self._behind.append((weights.version - fragment.version, self.totals.updates - fragment.updates))
        if fragment.env_steps:
            self._last_progress = time.monotonic()

    def learnt(self, updates: int) -> None:
        self.totals.updates += updates
        self._last_progress = time.monotonic()

    @property
    def silence(self) -> float:
        """Seconds of training since the last step or update."""
        return time.monotonic() - self._last_progress

    def figures(
        self, shards: Iterable[Drawn], *, prefetched: int, lost_samples: int, in_flight: int
    ) -> dict[str, float]:
        """Of the time since the last call. The shares are of the part of it that was spent training."""
        self.enter(self._state)
        seconds = max(time.monotonic() - self._began, 1e-9)
        gained = {name: value - self._totals_then[name] for name, value in asdict(self.totals).items()}
        spent = {name: value - self._seconds_then[name] for name, value in self._seconds.items()}
        training = max(seconds - spent[ELSEWHERE], 1e-9)
        shards, fragments, behind = list(shards), self._fragments, self._behind
        figures = {
            "env_steps_per_second": gained["env_steps"] / seconds,
            "updates_per_second": gained["updates"] / seconds,
            "replay_ratio": self.totals.trained / max(self.totals.env_steps, 1),
            "learner_idle_share": spent[WAITING] / training,
            "learner_throttled_share": spent[THROTTLED] / training,
            "weights_version": self.totals.weights_version,
            "versions_behind": _mean(versions for versions, _ in behind),
            "updates_behind": _mean(updates for _, updates in behind),
            "adds_in_flight": _mean(fragment.adds_in_flight for fragment in fragments),
            "prefetched_samples": prefetched,
            "learner_requests_in_flight": in_flight,
            "lost_samples": lost_samples,
            "replay_size": sum(shard.size for shard in shards),
            # Every shard gets its share of the steps.
            "replay_age_steps": _mean(shard.age for shard in shards) * len(shards),
            "mean_priority": _mean(shard.mean_priority for shard in shards),
            "stale_priority_writes": sum(shard.stale_writes for shard in shards),
        }
        self._start_period()
        return {name: float(value) for name, value in figures.items()}

    def state(self) -> dict[str, int]:
        return asdict(self.totals)

    def set_state(self, state: dict[str, Any]) -> None:
        self.totals = Totals(**{field.name: int(state[field.name]) for field in fields(Totals)})
        self._start_period()


def _mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else 0.0
