"""Tune kernels in turns until a budget is spent, with everything that was measured on the disk at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from eval.budget import Budget
from eval.kernel_tuners.searchers import Searcher
from eval.network_tuning.allotment import Standing, next_kernel
from eval.network_tuning.journal import Journal, Trial
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.module_task import Task
from rllib_envs.kernel_tuning.protocol import Measured

TRIALS_PER_SECOND = 3.0
"""About; to tell tuners how many trials a budget of time is."""
LEAST_TRIALS = 32
"""What a tuner is told at least."""


class Progress(NamedTuple):
    """How far a tuning is."""

    budget: Budget
    seconds: float
    """Spent, earlier runs included."""
    trials: int
    before: float
    """Seconds that all kernels of the network take without schedules."""
    now: float
    """The same with the best schedules."""
    kernel: str
    """Which one was tuned last."""


Report = Callable[[Progress], None]


class Tuning:
    """One run over some kernels. Beside the journal of its trials are TVM's tuning records.

    A record is added when a kernel gets faster than it was, with and without a schedule; so TVM may apply what is there
    at any time.
    """

    def __init__(
        self, searcher: Searcher, crew: MeasuringCrew, journal: Journal, budget: Budget, batch: int, report: Report
    ) -> None:
        """The clock of the budget starts now."""
        self._searcher, self._crew, self._journal = searcher, crew, journal
        self._budget, self._batch, self._report = budget, batch, report
        self._standings: list[Standing] = []
        self._began = time.monotonic() - max((trial.at for trial in journal.trials), default=0.0)

    def run(self, kernels: Sequence[tuple[Task, int]]) -> list[Standing]:
        """Tune kernels, which are given with their weights, or go on with what is in the journal.

        Returns how far each is. Raises what measuring raises; what was measured before is kept.
        """
        known = self._journal.trials
        self._standings = [self._standing(task, weight, known) for task, weight in kernels]
        self._measure_untuned()
        for standing in self._standings:
            self._remind(standing, known)
        self._go_on()
        return self._standings

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    @property
    def _trials(self) -> int:
        return sum(standing.trials for standing in self._standings)

    def _go_on(self) -> None:
        kernel = ""
        while True:
            self._report(self._progress(kernel))
            standing = next_kernel(self._standings, self._batch)
            if standing is None or self._budget.spent(self._seconds, self._trials):
                return
            kernel = standing.task.name
            self._step(standing)

    def _progress(self, kernel: str) -> Progress:
        before = sum(standing.weight * standing.untuned for standing in self._standings)
        now = sum(standing.share for standing in self._standings)
        return Progress(self._budget, self._seconds, self._trials, before, now, kernel)

    def _step(self, standing: Standing) -> None:
        """A batch of one kernel."""
        left = self._batch if self._budget.evaluations is None else self._budget.evaluations - self._trials
        task, expected = standing.task, self._expected(standing)
        schedules = self._searcher.ask(task, min(self._batch, left), expected)
        if not schedules:
            standing.done = True
            return
        measured = self._crew.measure(task, schedules)
        timed = [(schedule, one.seconds) for schedule, one in zip(schedules, measured, strict=True)]
        working = [(seconds, place) for place, (_, seconds) in enumerate(timed) if seconds]
        if working and min(working)[0] < standing.seconds:
            seconds, place = min(working)
            self._crew.write_database(task, [(schedules[place], seconds)], self._journal.path.parent)
        for (schedule, _), one in zip(timed, measured, strict=True):
            trial = Trial(task.text, schedule, one.seconds, one.status, self._seconds)
            self._journal.add(trial)
            _note(standing, trial)
        self._searcher.tell(task, timed, expected)

    def _expected(self, standing: Standing) -> int:
        """About how many trials the kernel will have."""
        limits = [self._budget.evaluations] if self._budget.evaluations else []
        limits += [int(TRIALS_PER_SECOND * self._budget.seconds)] if self._budget.seconds else []
        share = standing.share / sum(each.share for each in self._standings)
        return max(LEAST_TRIALS, round(share * min(limits)))

    def _standing(self, task: Task, weight: int, known: Sequence[Trial]) -> Standing:
        untuned = [trial.seconds for trial in known if trial.kernel == task.text and trial.schedule is None]
        return Standing(task, weight, untuned[-1] if untuned else 0.0)

    def _measure_untuned(self) -> None:
        """Those of which it isn't known from an earlier run. What takes longer than is waited for takes as long."""
        missing = [standing for standing in self._standings if not standing.untuned]
        results: list[Measured] = self._crew.measure_untuned([standing.task for standing in missing])
        for standing, one in zip(missing, results, strict=True):
            standing.untuned = one.seconds or self._crew.limit_s
            self._journal.add(Trial(standing.task.text, None, one.seconds, one.status, self._seconds))

    def _remind(self, standing: Standing, known: Sequence[Trial]) -> None:
        """Tell the searcher what an earlier run has measured."""
        mine = [trial for trial in known if trial.kernel == standing.task.text and trial.schedule is not None]
        for trial in mine:
            _note(standing, trial)
        timed = [(trial.schedule, trial.seconds) for trial in mine if trial.schedule is not None]
        if timed:
            self._searcher.tell(standing.task, timed, self._expected(standing))


def _note(standing: Standing, trial: Trial) -> None:
    standing.trials += 1
    if trial.seconds and (not standing.best or trial.seconds < standing.best):
        standing.best, standing.schedule = trial.seconds, trial.schedule
