"""The best of many sampled episodes of one benchmark."""

from __future__ import annotations

from typing import Any

from models.batches import batched
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import STOP, Benchmark, Choose


def best_of(
    evaluate: EvaluationCache[Any], benchmark: Benchmark, episodes: int, choose: Choose, horizon: int
) -> tuple[int, ...]:
    """The actions that lead to the best state of so many episodes, and `STOP` where the problem has it and the horizon
    leaves room for it. None at all where nothing is better than the untuned state.

    All episodes take their next step together, so that `choose` is asked once a step.
    """
    together = evaluate.problem.play_together(benchmark, episodes, choose, horizon)
    return _one_by_one(evaluate, benchmark, episodes, choose, horizon) if together is None else together


def _one_by_one(
    evaluate: EvaluationCache[Any], benchmark: Benchmark, episodes: int, choose: Choose, horizon: int
) -> tuple[int, ...]:
    problem = evaluate.problem
    start = problem.initial(benchmark)
    going: list[tuple[Any, tuple[int, ...]]] = [(start, ())] * episodes
    best, best_way = evaluate(start), ()
    for step in range(horizon):
        going = [(state, way) for state, way in going if problem.legal(state).any()]
        if not going:
            break
        left = 1.0 - step / horizon
        chosen = choose(batched([policy_input(problem, state, left) for state, _ in going]))
        moved, going = going, []
        for (state, way), action in zip(moved, chosen.tolist(), strict=True):
            if problem.actions[action] == STOP:
                continue
            after = problem.apply(state, action), (*way, action)
            found = evaluate(after[0])
            if found.better_than(best):
                best, best_way = found, after[1]
            going.append(after)
    stops = best_way and STOP in problem.actions and len(best_way) < horizon
    return (*best_way, problem.actions.index(STOP)) if stops else best_way
