"""Where one search after another is carried out: a problem of its own, and the plan. Each worker has one."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from eval.budget import Budget
from eval.plan import Plan
from eval.scoring import Runs, Scores, score
from eval.search_graph import RecordedTrial, SearchGraph
from eval.searches.run import conduct
from eval.trial import Clock, Outcome, Trial
from rllib_envs.problem import Benchmark, Problem


class SearchOrder(NamedTuple):
    """To search once."""

    benchmark: Benchmark
    method: str
    seed: int
    budget: Budget


class ScoreOrder(NamedTuple):
    """To measure the answers of all searches on a benchmark anew, in turns."""

    benchmark: Benchmark
    runs: Runs


Order = SearchOrder | ScoreOrder


class Found(NamedTuple):
    """What a search has come to."""

    outcome: Outcome
    graph: SearchGraph | None = None
    """Its way there, where the plan asks for it."""


class Station:
    """Carries out orders, one after the other."""

    def __init__(self, problem: Problem[Any], plan: Plan, clock: Clock = time.perf_counter) -> None:
        self._problem = problem
        self._plan = plan
        self._clock = clock
        self._baselines = plan.baselines(problem)
        self._warm: Benchmark | None = None

    def carry_out(self, order: Order) -> Found | Scores:
        """Raises KeyboardInterrupt where one has ended a search early, and what the problem or the method raises."""
        if isinstance(order, ScoreOrder):
            return score(self._problem, order.benchmark, order.runs, self._baselines)
        if order.benchmark != self._warm:
            self._warm_up(order)
        search = self._plan.search(order.method)  # may import what it needs, which the clock is not to see
        kind = RecordedTrial if self._plan.graphs else Trial
        horizon = self._plan.horizon
        trial = kind(self._problem, order.benchmark, order.budget, horizon=horizon, clock=self._clock)
        outcome = conduct(search, trial, order.benchmark, order.seed, order.method)
        if outcome.interrupted:
            raise KeyboardInterrupt
        return Found(outcome, trial.graph() if isinstance(trial, RecordedTrial) else None)

    def _warm_up(self, order: SearchOrder) -> None:
        """Evaluate the untuned state and ask the policy once before any clock starts: starting processes is charged
        to nobody."""
        trial = Trial(self._problem, order.benchmark, order.budget)
        policy = self._plan.policy
        if policy is not None and trial.moves(trial.root):
            policy.start().act(trial.policy_input(trial.root))
        self._warm = order.benchmark
