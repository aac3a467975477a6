"""The contract as a test: `check_problem` accepts a problem or says in words which rule it breaks.

A new problem is finished when this passes for a few of its benchmarks. It raises ContractBroken at the first fault.
"""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from gymnasium.utils.env_checker import check_env

from rllib_envs.errors import IllegalAction, TunewrightError
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import STOP, Benchmark, Evaluation, PolicyInput, Problem
from rllib_envs.tuning_env import FEATURE_BOUND, TuningEnv, policy_input_space

ILLEGAL_TRIED_EVERY = 7
"""Illegal actions are tried on every seventh state: raising is slower than stepping, and walks repeat themselves."""
EVALUATED_STATES = 12


class ContractBroken(TunewrightError, AssertionError):
    """A problem does not keep the contract."""


def check_problem(problem: Problem[Any], benchmarks: Sequence[Benchmark], steps: int = 10_000, seed: int = 0) -> None:
    """Hold `problem` to every rule of the contract over `steps` random legal steps on the benchmarks in turn."""
    _check_declaration(problem)
    walked = list(_walk(problem, benchmarks, steps, seed))
    again = _walk(problem, benchmarks, min(steps, 500), seed)
    for first, second in zip(walked, again, strict=False):
        _require(first == second, "the same seed gave different states; apply and initial must be deterministic")
    for index, state in enumerate(walked):
        _check_state(problem, state, try_illegal=index % ILLEGAL_TRIED_EVERY == 0)
    _check_record_keys(problem, walked)
    for state in walked[:: max(1, len(walked) // EVALUATED_STATES)]:
        _check_evaluation(problem, state)
    check_env(_OnlyLegal(problem, benchmarks), skip_render_check=True)


class _OnlyLegal(TuningEnv):
    """Gymnasium's checker knows no masks and samples any action; an illegal one becomes the first legal one."""

    def step(self, action: int) -> tuple[PolicyInput, float, bool, bool, dict[str, Any]]:
        legal = self.problem.legal(self.state)
        return super().step(int(action if legal[action] else np.argmax(legal)))


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise ContractBroken(rule)


def _check_declaration(problem: Problem[Any]) -> None:
    _require(len(set(problem.actions)) == len(problem.actions) > 0, "actions must be named, each once")
    _require(problem.horizon >= 1, f"the horizon must be at least 1, it is {problem.horizon}")
    rebuilt = type(problem)(**problem.config)
    same = rebuilt.actions == problem.actions and rebuilt.spec == problem.spec and rebuilt.horizon == problem.horizon
    rebuilt.close()
    _require(same, "config must build the same problem again")
    pickle.loads(pickle.dumps(problem)).close()  # noqa: S301  (our own bytes; workers receive problems this way)


def _walk(problem: Problem[Any], benchmarks: Sequence[Benchmark], steps: int, seed: int) -> Iterator[Any]:
    """States of random legal episodes, the benchmarks in turn."""
    rng = np.random.default_rng(seed)
    taken = episode = 0
    while taken < steps:
        state = problem.initial(benchmarks[episode % len(benchmarks)])
        episode += 1
        yield state
        for _ in range(problem.horizon):
            legal = np.flatnonzero(problem.legal(state))
            if not legal.size or taken >= steps:
                break
            action = int(rng.choice(legal))
            key = hash(state)
            following = problem.apply(state, action)
            _require(hash(state) == key, f"{problem.actions[action]} changed the state that it was applied to")
            taken += 1
            if problem.actions[action] == STOP:
                _require(following == state, "stop must leave the state as it is")
                break
            state = following
            yield state


def _check_state(problem: Problem[Any], state: Any, try_illegal: bool) -> None:
    legal = problem.legal(state)
    _require(
        legal.dtype == bool and legal.shape == (len(problem.actions),),
        f"legal must return bool [{len(problem.actions)}], got {legal.dtype} {legal.shape}",
    )
    seen = policy_input(problem, state, 1.0)
    for name, space in policy_input_space(problem).items():
        _require(
            space.contains(seen[name]),
            f"observation {name!r} must be {space} (finite, below {FEATURE_BOUND:g}), got {seen[name].dtype} "
            f"{seen[name].shape} from {np.min(seen[name]):g} to {np.max(seen[name]):g}",
        )
    if not try_illegal:
        return
    copy = pickle.loads(pickle.dumps(state))  # noqa: S301  (our own bytes)
    _require(
        copy == state and hash(copy) == hash(state),
        "a pickled state must come back equal, with the same hash",
    )
    for action in np.flatnonzero(~legal):
        try:
            problem.apply(state, int(action))
        except IllegalAction as refusal:
            _require(bool(str(refusal)), f"{problem.actions[action]} was refused without a reason")
        else:
            raise ContractBroken(f"{problem.actions[action]} is not legal in {state}, but apply accepted it")


def _check_evaluation(problem: Problem[Any], state: Any) -> None:
    evaluation = problem.evaluate(state)
    _require(isinstance(evaluation, Evaluation), f"evaluate must return an Evaluation, got {type(evaluation)}")
    _require(math.isfinite(evaluation.value), f"the value must be finite, it is {evaluation.value}")
    _require(evaluation.scale > 0 and bool(evaluation.unit), "an evaluation needs a positive scale and a unit")
    hash(problem.objective_key(state))
    _require(all(map(math.isfinite, evaluation.details.values())), f"details must be finite: {evaluation.details}")
    again = problem.recall(evaluation)
    same = math.isclose(again.value, evaluation.value) and math.isclose(again.scale, evaluation.scale)
    _require(same and again.error == evaluation.error, f"recall must not change what was just measured: {again}")


def _check_record_keys(problem: Problem[Any], states: Sequence[Any]) -> None:
    """Texts stand for objective keys one to one, and another instance of the problem writes the same ones."""
    rebuilt = type(problem)(**problem.config)
    _require(rebuilt.measured_on() == problem.measured_on(), "measured_on must be the same for the same config")
    texts: dict[Any, Any] = {}
    keys: dict[Any, Any] = {}
    for state in states:
        key, text = problem.objective_key(state), problem.record_key(state)
        _require(text == rebuilt.record_key(state), "record_key must depend on the state and the config alone")
        _require(texts.setdefault(key, text) == text, f"one objective has two record keys: {texts[key]} and {text}")
        _require(text is None or keys.setdefault(text, key) == key, f"two objectives have the record key {text}")
    rebuilt.close()
