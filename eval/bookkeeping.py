"""Writing down what has come of each order at once, and saying so to whom it concerns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from eval.course import Course
from eval.graph_files import write_graph
from eval.journal import Journal
from eval.journal_lines import scores_line, search_line
from eval.plan import Turn
from eval.remaining import Remaining
from eval.scoring import Failure, Scores
from eval.trial import Outcome
from eval.workers.station import Found, Order, SearchOrder
from rllib_envs.problem import Problem


class Progress(NamedTuple):
    """One search has ended."""

    done: int
    total: int
    benchmark: str
    method: str
    seed: int
    outcome: Outcome | Failure
    seconds_left: float | None
    """For all that is not done; None where nothing is known."""


class Bookkeeper:
    """Keeps the journal, the pictures and the count of one comparison. Each of them may be left out."""

    def __init__(
        self,
        problem: Problem[Any],
        courses: Sequence[Course],
        remaining: Remaining,
        *,
        journal: Journal | None = None,
        graphs: Path | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._problem, self._courses, self._remaining = problem, courses, remaining
        self._journal, self._graphs, self._progress = journal, graphs, progress

    def note(self, course: Course, order: Order, result: Found | Scores | Failure, seconds: float) -> None:
        """What has come of an order after so many seconds. What was lost is not written: it is tried again when the
        comparison goes on. Raises NotWritten."""
        if isinstance(result, Scores):
            self._remaining.scored(seconds)
            if self._journal is not None and course.flawless:
                self._journal.append(scores_line(course.benchmark, result, seconds))
        elif isinstance(order, SearchOrder):
            self._note_search(course, Turn(order.method, order.seed), result)

    def _note_search(self, course: Course, turn: Turn, result: Found | Failure) -> None:
        benchmark = course.benchmark
        if isinstance(result, Found):
            if self._graphs is not None and result.graph is not None:
                write_graph(self._graphs, benchmark.name, turn, result.graph)
            if self._journal is not None:  # last, for what is there is not searched again
                self._journal.append(search_line(benchmark, turn, result.outcome, self._problem))
        if self._progress is not None:
            total = sum(len(each.turns) for each in self._courses)
            done = total - sum(len(each.missing) for each in self._courses)
            outcome = result.outcome if isinstance(result, Found) else result
            self._progress(Progress(done, total, benchmark.name, *turn, outcome, self._remaining.seconds()))
