"""One task tuned through the contract: by policies, and a search that one of them guides, or by a search alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from eval.budget import Budget
from eval.searches import make_search
from eval.searches.run import run_search
from eval.trial import Outcome
from eval.verification import verify
from eval.wording import number, times
from launcher.folders import FoundPolicy, choose_policy, problem_for, with_other_seeds
from models.policy import Policy
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.loop_nest.export import export_kernel
from rllib_envs.loop_nest.measured_on import processor_name
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import Benchmark, Evaluation, Problem

SEARCH, SEARCH_SECONDS = "annealing", 10.0
"""Where no policy is used."""
GUIDED = "policy_beam"
"""The search that a policy guides."""
ENOUGH_SECONDS = 60.0
"""A greedy rollout has a fixed number of steps; this only guards against candidates that run for very long."""


def tune_task(
    benchmark: Benchmark, given: Path | None, seconds: float | None, backend: str, emit_to: Path | None
) -> None:
    """Tune, print the steps and the speed measured anew, and write the answer where asked, which has to be a loop nest.

    A policy, and those of other seeds where it is the shipped one, decide once each; it then guides a search for so
    many seconds, if any. A search alone takes its place where there is none, or where it was not made for such a task:
    UserError if it was `given` then.
    """

    def observe(policy: Policy) -> None:
        with closing(problem_for(benchmark.problem, policy, backend)) as problem:
            problem.observe(problem.initial(benchmark))

    found, how = choose_policy(given, benchmark.problem, observe)
    with closing(problem_for(benchmark.problem, found.policy if found else None, backend)) as problem:
        start = problem.evaluate(problem.initial(benchmark))  # starts what measuring needs; not the tuning's time
        if found is not None:
            print(f"{benchmark.name}, {how}{_elsewhere(problem, found.policy)}", flush=True)
            outcomes = _by_policies(problem, benchmark, start, with_other_seeds(found), seconds)
        else:
            budget = Budget(seconds=SEARCH_SECONDS if seconds is None else seconds)
            print(f"{benchmark.name}, {how}; {SEARCH}, {budget}", flush=True)
            outcomes = [run_search(make_search(SEARCH), problem, benchmark, budget)]
        _answer(problem, benchmark, outcomes, emit_to)


def _elsewhere(problem: Problem[Any], policy: Policy) -> str:
    """A remark on a policy that has learnt on another processor, where that matters."""
    origin, here = policy.provenance.get("processor"), processor_name()
    if not problem.measured_on() or origin in (None, here):
        return ""
    return f", which was trained on {origin} and may do less well on {here}: --budget 10s lets it search"


def _by_policies(
    problem: Problem[Any],
    benchmark: Benchmark,
    start: Evaluation,
    policies: Sequence[FoundPolicy],
    seconds: float | None,
) -> list[Outcome]:
    """What each policy comes to, and how sure that is: what the first one expects, and what others come to."""
    policy = policies[0].policy
    gain = policy.start().judge(policy_input(problem, problem.initial(benchmark), 1.0)).value * start.scale
    expected = start.value + (gain if start.higher_is_better else -gain)
    outcomes = [
        run_search(
            make_search("policy", each.policy),
            problem,
            benchmark,
            Budget(seconds=ENOUGH_SECONDS),
            horizon=each.policy.horizon,
        )
        for each in policies
    ]
    first, *others = (number(outcome.claimed.value) for outcome in outcomes)
    agreement = f"; those trained from other seeds come to {' and '.join(others)}" if others else ""
    print(f"it expects {number(expected)} {start.unit} and comes to {first}{agreement}")
    if seconds is not None:
        guided, budget = make_search(GUIDED, policy), Budget(seconds=seconds)
        outcomes.append(run_search(guided, problem, benchmark, budget, horizon=policy.horizon))
    return outcomes


def _answer(problem: Problem[Any], benchmark: Benchmark, outcomes: Sequence[Outcome], emit_to: Path | None) -> None:
    """Show the best of what was found, measured anew, and write it where asked."""
    best = outcomes[0]
    for other in outcomes[1:]:
        best = other if other.claimed.better_than(best.claimed) else best
    show_steps(problem, benchmark, best.best.actions)
    state = best.best.state
    print(problem.describe(state))
    verified = verify(problem, benchmark, state)
    verified.check()
    if verified.slower:
        print(f"{verified.sentence()}. So it stays untuned")
        state, verified = problem.initial(benchmark), verified.of_untuned()
    print(verified.sentence())
    if emit_to:
        written = export_kernel(emit_to, state.statement, state.loops)
        print(f"kernel: {', '.join(map(str, written))}")
    seconds, measurements = (sum(getattr(one, name) for one in outcomes) for name in ("seconds", "evaluations"))
    print(f"tuned in {seconds:.2f} s with {measurements} measurements")


def show_steps(problem: Problem[Any], benchmark: Benchmark, actions: tuple[int, ...]) -> None:
    """Print the value before and after each action."""
    evaluate = EvaluationCache(problem)
    state = problem.initial(benchmark)
    start = evaluate(state)
    table = Table()
    for column in ("step", "action", start.unit, "over the start"):
        table.add_column(column, justify="left" if column == "action" else "right")
    table.add_row("0", "", number(start.value), "1.00x")
    for step, action in enumerate(actions, 1):
        state = problem.apply(state, action)
        now = evaluate(state)
        table.add_row(str(step), problem.actions[action], number(now.value), times(now.speedup_over(start)))
    Console().print(table)
