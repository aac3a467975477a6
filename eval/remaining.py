"""How long a comparison will still take, by what its searches took so far."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from eval.course import Course
from eval.plan import POLICY, Plan
from eval.trial import Outcome
from eval.workers.station import SearchOrder

REFRESH_S = 0.5
"""Looking at thousands of searches takes milliseconds, and they may end a thousand times a second."""


class Remaining:
    """Looks at nothing but the courses, and so is right also where most of them were gone through before."""

    def __init__(
        self, plan: Plan, courses: Sequence[Course], workers: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`workers` go through a course each at a time; `clock` is that of `Course.since`."""
        self._plan, self._courses, self._workers, self._clock = plan, courses, max(1, workers), clock
        self._scoring: list[float] = []
        self._ends: float | None = None
        self._looked_at: float | None = None

    def scored(self, seconds: float) -> None:
        """Measuring the answers on a benchmark anew has taken so long."""
        self._scoring.append(seconds)

    def seconds(self) -> float | None:
        """None where nothing is known: before the first search that has a budget of evaluations alone has ended."""
        now = self._clock()
        if self._ends is None or self._looked_at is None or now - self._looked_at >= REFRESH_S:
            left = self._estimate(now)
            self._ends, self._looked_at = None if left is None else now + left, now
        return None if self._ends is None else max(0.0, self._ends - now)

    def _estimate(self, now: float) -> float | None:
        expected = self._expected()
        if expected is None:
            return None
        scoring = fmean(self._scoring) if self._scoring else 0.0
        loads = [0.0] * self._workers
        for course in sorted(self._courses, key=lambda course: course.order is None):  # those under way come first
            heapq.heapreplace(loads, loads[0] + _left(course, expected, scoring, now))
        return max(loads)

    def _expected(self) -> Mapping[str, float] | None:
        """Seconds of a search by method: the mean of those that have ended, or else all that its budget allows."""
        taken: dict[str, list[float]] = {}
        for course in self._courses:
            for (method, _), run in course.runs.items():
                if isinstance(run, Outcome):
                    taken.setdefault(method, []).append(run.seconds)
        limit = self._plan.budget.seconds
        if limit is None:
            if not taken:
                return None
            limit = fmean(seconds for each in taken.values() for seconds in each)
        expected = {method: fmean(taken.get(method, [limit])) for method in self._plan.methods}
        for method, multiple in self._plan.policy_multiples.items():
            if method not in taken:
                expected[method] = multiple * expected[POLICY]
        return expected


def _left(course: Course, expected: Mapping[str, float], scoring: float, now: float) -> float:
    """Seconds that one worker needs for the rest of a course."""
    if course.scores is not None:
        return 0.0
    total = sum(expected[turn.method] for turn in course.missing) + scoring
    if course.order is None:
        return total
    present = expected[course.order.method] if isinstance(course.order, SearchOrder) else scoring
    return total - min(present, now - course.since)
