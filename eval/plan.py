"""What is compared, on what, and how often: everything that results depend on, and that a worker has to know."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from eval.budget import Budget
from eval.scoring import Baseline
from eval.searches import POLICY_SEARCHES, Search, make_search, search_name
from eval.searches.policy import ActingPolicy
from rllib_envs.errors import UserError
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import Benchmark, Problem

POLICY = "policy"
"""The method whose seconds the budgets of others are multiples of."""

MakeBaselines = Callable[[Problem[Any]], Mapping[str, Baseline]]
"""From a problem to its baselines by name. Each worker calls it for itself, so it must survive pickling."""


class Turn(NamedTuple):
    """One search on a benchmark."""

    method: str
    seed: int


def own_baselines(problem: Problem[Any]) -> Mapping[str, Baseline]:
    """Those that a problem has itself."""
    return problem.baselines()


@dataclass(frozen=True)
class Plan:
    """A comparison that is to be carried out."""

    benchmarks: tuple[Benchmark, ...]
    methods: tuple[str, ...]
    budget: Budget
    seeds: tuple[int, ...]
    policy: ActingPolicy | None = field(default=None, repr=False)
    """None where no method plays one: workers then need no PyTorch."""
    policy_multiples: Mapping[str, float] = field(default_factory=dict)
    """The methods that are random search on a multiple of the seconds that `policy` took, and the multiple."""
    horizon: int | None = None
    """Decisions that lead to an answer at most; the problem's own number when None."""
    baselines: MakeBaselines = own_baselines
    graphs: bool = False
    """Whether each search is recorded as a graph."""
    splits: Mapping[str, str] = field(default_factory=dict)
    """The part of its suite that each benchmark is of; empty where all are of one."""
    suite: str = ""
    """What the benchmarks are of, for the report."""

    @classmethod
    def make(
        cls,
        benchmarks: Sequence[Benchmark],
        methods: Sequence[str],
        budget: Budget,
        seeds: Sequence[int] = (0,),
        policy: ActingPolicy | None = None,
        *,
        policy_multiple: float | None = 10.0,
        horizon: int | None = None,
        baselines: MakeBaselines = own_baselines,
        graphs: bool = False,
        splits: Mapping[str, str] | None = None,
        suite: str = "",
    ) -> Plan:
        """A plan that can be carried out. Where `policy` is among the methods, `random_10x` is added; with a
        `policy_multiple` of None it isn't.

        Raises UserError for unknown methods, a missing policy, and names that are missing or occur twice.
        """
        methods = [search_name(name) for name in methods]
        for what, given in (
            ("benchmark", [one.name for one in benchmarks]),
            ("method", methods),
            ("seed", seeds),
        ):
            _check_distinct(what, given)
        for name in methods:
            make_search(name, policy)
        multiples = {}
        if policy_multiple is not None and POLICY in methods:
            if not policy_multiple > 0:
                raise UserError(
                    f"random search can't have {policy_multiple:g} times the policy's time; give more than 0"
                )
            multiples = {f"random_{policy_multiple:g}x": policy_multiple}
        names = (*methods, *multiples)
        playing = policy if set(methods) & POLICY_SEARCHES.keys() else None
        few = (tuple(benchmarks), names, budget, tuple(seeds), playing, multiples)
        return cls(*few, horizon=horizon, baselines=baselines, graphs=graphs, splits=splits or {}, suite=suite)

    def search(self, method: str) -> Search:
        """What a method does."""
        return make_search("random" if method in self.policy_multiples else method, self.policy)

    def turns(self, benchmark: Benchmark) -> list[Turn]:
        """Every search on a benchmark in its order: shuffled by seed, so that a drift of the machine hits all alike.

        Those that need the policy's time come behind the others of their seed.
        """
        turns: list[Turn] = []
        for seed in self.seeds:
            order = np.random.default_rng([seed, zlib.crc32(benchmark.name.encode())]).permutation(len(self.methods))
            names = [self.methods[index] for index in order]
            turns += (Turn(name, seed) for name in sorted(names, key=self.policy_multiples.__contains__))
        return turns

    def check_benchmarks(self, problem: Problem[Any]) -> None:
        """UserError for the first benchmark that the problem can't start from or can't show to a policy."""
        for benchmark in self.benchmarks:
            check_benchmark(problem, benchmark)


def check_benchmark(problem: Problem[Any], benchmark: Benchmark) -> None:
    """UserError where the problem can't start from the benchmark, or can't show it to a policy."""
    state = problem.initial(benchmark)
    try:
        policy_input(problem, state, 1.0)
    except (ValueError, LookupError) as error:
        raise UserError(
            f"benchmark {benchmark.name!r} is more than an observation of problem {problem.name!r} can show "
            f"({error}); choose another"
        ) from None


def _check_distinct(what: str, given: Sequence[str] | Sequence[int]) -> None:
    if not given:
        raise UserError(f"a comparison needs at least one {what}")
    twice = [one for index, one in enumerate(given) if one in given[:index]]
    if twice:
        raise UserError(f"the {what} {twice[0]!r} was given twice")
