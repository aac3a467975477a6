"""The course of one benchmark: its searches in turns, then the measuring anew of what they have found."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping

from eval.budget import Budget
from eval.plan import POLICY, Plan, Turn
from eval.scoring import Failure, Runs, Scores, lost_scores
from eval.trial import Outcome
from eval.workers.station import Found, Order, ScoreOrder, SearchOrder
from rllib_envs.problem import Benchmark

ATTEMPTS = 2
"""What is lost twice is not lost by chance."""

_log = logging.getLogger(__name__)


class Course:
    """Says what is to be done next, one after the other, and remembers what has come of it.

    Everything on one benchmark is done in one place and in turns, so that whatever disturbs it disturbs all methods.
    """

    def __init__(
        self,
        plan: Plan,
        benchmark: Benchmark,
        known: Mapping[Turn, Outcome] | None = None,
        scores: Scores | None = None,
    ) -> None:
        """`known` and `scores` are what was done before, if anything."""
        self.plan, self.benchmark = plan, benchmark
        self.turns = plan.turns(benchmark)
        self._runs: dict[Turn, Outcome | Failure] = dict(known or {})
        self.scores = scores
        self.order: Order | None = None
        """What is being done at the moment."""
        self.since = 0.0
        """Since when, by time.monotonic."""
        self._lost: Counter[Turn | None] = Counter()
        """How often each search was lost, and under None the measuring anew."""

    @property
    def runs(self) -> Runs:
        """What has come of each search so far, in the order of their turns."""
        return {turn: self._runs[turn] for turn in self.turns if turn in self._runs}

    @property
    def missing(self) -> list[Turn]:
        """The searches that are not done."""
        return [turn for turn in self.turns if turn not in self._runs]

    @property
    def flawless(self) -> bool:
        """Whether nothing was lost so far."""
        lost = any(isinstance(run, Failure) for run in self._runs.values())
        return not lost and (self.scores is None or self.scores.start is not None)

    def next(self) -> Order | None:
        """What is to be done now; None when all is done."""
        self.order, self.since = self._next(), time.monotonic()
        return self.order

    def _next(self) -> Order | None:
        for turn in self.missing:
            budget = self._budget(turn)
            if budget is None:
                self._runs[turn] = Failure(f"its budget is a multiple of the time of {POLICY}, which has none")
                continue
            return SearchOrder(self.benchmark, *turn, budget)
        return ScoreOrder(self.benchmark, self.runs) if self.scores is None else None

    def _budget(self, turn: Turn) -> Budget | None:
        multiple = self.plan.policy_multiples.get(turn.method)
        if multiple is None:
            return self.plan.budget
        leader = self._runs.get(Turn(POLICY, turn.seed))
        return Budget(seconds=multiple * leader.seconds) if isinstance(leader, Outcome) else None

    def take(self, result: Found | Scores) -> None:
        """What has come of the order."""
        turn, self.order = self._turn(), None
        if turn is not None and isinstance(result, Found):
            self._runs[turn] = result.outcome
        elif turn is None and isinstance(result, Scores):
            self.scores = result
        else:
            raise AssertionError(f"{type(result).__name__} is no answer to what was ordered for {turn}")

    def lose(self, reason: str) -> Failure | Scores | None:
        """Nothing has come of the order. None where it is tried again, and otherwise what stands for the result."""
        turn, self.order = self._turn(), None
        self._lost[turn] += 1
        what = "measuring the answers anew" if turn is None else f"{turn.method} with seed {turn.seed}"
        again = self._lost[turn] < ATTEMPTS
        _log.warning(
            "%s on %s was lost: %s%s", what, self.benchmark.name, reason, "; trying once more" if again else ""
        )
        if again:
            return None
        if turn is None:
            self.scores = lost_scores(self.benchmark, self.runs, reason)
            return self.scores
        self._runs[turn] = failure = Failure(reason)
        return failure

    def _turn(self) -> Turn | None:
        """The search that is being done; None where it is the measuring anew."""
        assert self.order is not None, "nothing was ordered"
        return Turn(self.order.method, self.order.seed) if isinstance(self.order, SearchOrder) else None
