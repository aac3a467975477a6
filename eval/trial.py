"""One search on one benchmark: what it may ask, what it has spent, and the best that it has found."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from eval.budget import Budget
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import STOP, Benchmark, Evaluation, PolicyInput, Problem

Clock = Callable[[], float]
"""Seconds from an arbitrary origin. Tests bring their own."""

REPEATS_LIMIT = 10_000
"""Known answers in a row after which a search is taken to have seen all it can reach. Without this bound a
search that restarts for ever would never come to the end of a budget of evaluations on a small problem."""


STATES_KEPT = 50_000
"""States whose moves and values are remembered, at about a kilobyte each: searches come back to many of them again and
again."""


class BudgetSpent(Exception):
    """Raised by `Trial.evaluate` when nothing more may be begun. A search lets it pass."""


class Node(NamedTuple):
    """A state and the way to it."""

    state: Any
    actions: tuple[int, ...] = ()


class CurvePoint(NamedTuple):
    """A moment at which the best became better."""

    seconds: float
    """Since the search began."""
    evaluations: int
    value: float
    """The best verified value so far, as the search measured it."""


class Outcome(NamedTuple):
    """What a search answers with, however it ended."""

    start: Evaluation
    best: Node
    claimed: Evaluation
    """The evaluation of `best` during the search. It was chosen for being high: measure anew before
    quoting."""
    curve: tuple[CurvePoint, ...]
    seconds: float
    evaluations: int
    interrupted: bool = False


class Trial:
    """Everything that a search needs from the world.

    Each trial starts with an empty cache, so no method profits from what another one has measured, and each
    begins by evaluating the untuned state on its own time. An evaluation that was begun within the budget
    counts.
    """

    def __init__(
        self,
        problem: Problem[Any],
        benchmark: Benchmark,
        budget: Budget,
        *,
        horizon: int | None = None,
        clock: Clock = time.perf_counter,
    ) -> None:
        self.problem = problem
        self.budget = budget
        self.horizon = horizon or problem.horizon
        self.curve: list[CurvePoint] = []
        self._evaluate = EvaluationCache(problem)
        self._look_up: Callable[[Any], Evaluation] = lru_cache(STATES_KEPT)(self._evaluate)
        self._repeats = 0
        self._apply = lru_cache(STATES_KEPT)(problem.apply)
        self._legal = lru_cache(STATES_KEPT)(problem.legal)
        self._moves = lru_cache(STATES_KEPT)(self._legal_moves)
        self._stop = problem.actions.index(STOP) if STOP in problem.actions else None
        self._clock = clock
        self._began = clock()
        self.root = self.best = Node(problem.initial(benchmark))
        self.start = self.best_evaluation = self._look_up(self.root.state)
        if self.start.verified:
            self._mark()

    @property
    def seconds(self) -> float:
        """Spent so far."""
        return self._clock() - self._began

    @property
    def evaluations(self) -> int:
        """Spent so far, the untuned state's included."""
        return self._evaluate.misses

    @property
    def progress(self) -> float:
        """The share of the budget that is spent."""
        return self.budget.share(self.seconds, self.evaluations)

    def evaluate(self, node: Node) -> Evaluation:
        """The objective at a node. Raises BudgetSpent instead of beginning what the budget does not cover."""
        self.check_budget()
        if self._repeats >= REPEATS_LIMIT:
            raise BudgetSpent
        before = self.evaluations
        evaluation = self._look_up(node.state)
        if self.evaluations == before:
            self._repeats += 1
            return evaluation
        self._repeats = 0
        if evaluation.better_than(self.best_evaluation):
            self.best, self.best_evaluation = node, evaluation
            self._mark()
        return evaluation

    def check_budget(self) -> None:
        """Raise BudgetSpent where the budget is: for what takes its time between two evaluations."""
        if self.budget.spent(self.seconds, self.evaluations):
            raise BudgetSpent

    def _mark(self) -> None:
        self.curve.append(CurvePoint(self.seconds, self.evaluations, self.best_evaluation.value))

    def moves(self, node: Node) -> tuple[int, ...]:
        """The legal actions that lead on from a node: none at the horizon, and never `STOP`."""
        return self._moves(node.state) if len(node.actions) < self.horizon else ()

    def _legal_moves(self, state: Any) -> tuple[int, ...]:
        return tuple(action for action in self._legal(state).nonzero()[0].tolist() if action != self._stop)

    def step(self, node: Node, action: int) -> Node:
        """The node behind an action. Nothing is evaluated."""
        return Node(self._apply(node.state, action), (*node.actions, action))

    def policy_input(self, node: Node) -> PolicyInput:
        """What a policy sees at a node."""
        steps_left = 1.0 - len(node.actions) / self.horizon
        return policy_input(self.problem, node.state, steps_left, self._legal(node.state))

    def outcome(self, interrupted: bool = False) -> Outcome:
        """The answer at this moment."""
        found = self.best, self.best_evaluation, tuple(self.curve)
        return Outcome(self.start, *found, self.seconds, self.evaluations, interrupted)
