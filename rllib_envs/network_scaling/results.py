"""The accuracies of all candidates that anybody has trained, in a record file that any number of workers share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from rllib_envs.claims import claimed
from rllib_envs.network_scaling.architecture import Architecture
from rllib_envs.network_scaling.setting import Setting
from rllib_envs.network_scaling.training_setting import VERSION
from rllib_envs.problem import Evaluation
from rllib_envs.records import RecordStore

PROBLEM = "network_scaling"
REWARD_POINTS = 10.0
"""The gain in accuracy, in percentage points, that earns a reward of 1 where a benchmark doesn't say."""
TRAINED_BY = f"training loop {VERSION}"
"""Accuracies don't depend on the machine, but on this."""


class Candidate(NamedTuple):
    """What is trained once, and never again: scalings that round to the same architecture are one candidate."""

    setting: Setting
    architecture: Architecture
    seed: int

    @property
    def solution(self) -> str:
        """As records have it."""
        return f"{self.architecture.key} seed {self.seed}"


class Results:
    """Not for several threads at once; processes share the file freely."""

    def __init__(self, path: Path) -> None:
        """The file need not exist. UserError where it can't be a record file."""
        self.path = path
        self._store = RecordStore(path)

    def find(self, candidate: Candidate) -> Evaluation | None:
        """What is known of it; None when nothing is."""
        return self._store.find(PROBLEM, candidate.setting.key, candidate.solution, TRAINED_BY)

    def find_or_train(self, candidate: Candidate, train: Callable[[Candidate], Evaluation]) -> Evaluation:
        """Whoever comes first trains it; others that come meanwhile wait for that."""
        found = self.find(candidate)
        if found is not None:
            return found
        with self._claimed(candidate, wait=True):
            return self._train(candidate, train)

    def train_unless_taken(self, candidate: Candidate, train: Callable[[Candidate], Evaluation]) -> bool:
        """False, at once, where somebody else is training it."""
        with self._claimed(candidate, wait=False) as free:
            if free:
                self._train(candidate, train)
            return free

    def _claimed(self, candidate: Candidate, wait: bool) -> AbstractContextManager[bool]:
        return claimed(self.path.with_suffix(".claims"), f"{candidate.setting.key} {candidate.solution}", wait)

    def _train(self, candidate: Candidate, train: Callable[[Candidate], Evaluation]) -> Evaluation:
        """Unless somebody else has, meanwhile."""
        self._store.refresh()
        found = self.find(candidate)
        if found is None:
            found = train(candidate)
            self._store.add(PROBLEM, candidate.setting.key, candidate.solution, TRAINED_BY, found)
        return found
