"""The one Gymnasium environment: any problem, played over a list of benchmarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import STOP, Benchmark, Evaluation, PolicyInput, Problem
from rllib_envs.registry import make_problem
from rllib_envs.suite import Suite

FEATURE_BOUND = 100.0
"""Features are scaled to about one; a larger value than this is a fault of the problem."""


def policy_input_space(problem: Problem[Any]) -> spaces.Dict:
    spec = problem.spec

    def real(*shape: int) -> spaces.Box:
        return spaces.Box(-FEATURE_BOUND, FEATURE_BOUND, shape, np.float32)

    return spaces.Dict(
        {
            "tokens": real(spec.max_tokens, spec.token_features),
            "token_mask": spaces.Box(0, 1, (spec.max_tokens,), np.int8),
            "globals": real(spec.global_features + 1),
            "action_mask": spaces.Box(0, 1, (len(problem.actions),), np.int8),
        }
    )


class TuningEnv(gymnasium.Env[PolicyInput, int]):
    """An episode tunes one benchmark; the reward is what was won over the best state so far.

    Reward: improvement of the best verified objective, in units of the evaluation's `scale`. It is never negative,
    and an episode's return is exactly what the user gains by it, because every tool hands out the best state seen.
    The episode terminates at `stop` or when nothing is legal, and is truncated at the horizon. Benchmarks come in a
    seeded shuffled order, each once a round. An illegal action raises IllegalAction: masks are part of the contract.
    """

    metadata = {"render_modes": ["ansi"]}  # noqa: RUF012  (the name and type are Gymnasium's)

    def __init__(
        self,
        problem: Problem[Any],
        benchmarks: Sequence[Benchmark],
        *,
        evaluate: EvaluationCache[Any] | None = None,
        horizon: int | None = None,
        seed: int | Sequence[int] = 0,
        render_mode: str | None = None,
    ) -> None:
        if not benchmarks:
            raise UserError("the environment got no benchmark; give it at least one")
        if horizon is not None and horizon < 1:
            raise UserError(f"the horizon is {horizon}; an episode needs at least 1 step")
        self.problem = problem
        self.benchmarks = tuple(benchmarks)
        self.horizon = horizon or problem.horizon
        self.render_mode = render_mode
        self.observation_space = policy_input_space(problem)
        self.action_space = spaces.Discrete(len(problem.actions))
        self.evaluate = evaluate or EvaluationCache(problem)
        self._rng = np.random.default_rng(seed)
        self._round: list[Benchmark] = []
        self._by_name = {benchmark.name: benchmark for benchmark in self.benchmarks}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], evaluate: EvaluationCache[Any] | None = None) -> TuningEnv:
        """Build from plain data, as RLlib's workers do.

        Keys: `problem`, `problem_config`, `horizon`, `seed`, and those of `Suite.select`. Workers get different
        benchmark orders through `worker_index` and `vector_index`, which RLlib adds as attributes of the config.
        With `evaluate`, its problem and its memory are used, so that several environments can share both.
        """
        suite = Suite.select(config)
        place = [getattr(config, "worker_index", 0), getattr(config, "vector_index", 0)]
        evaluate = evaluate or EvaluationCache(make_problem(config["problem"], config.get("problem_config")))
        seed = [config.get("seed", 0), *place]
        horizon = config.get("horizon")
        return cls(evaluate.problem, suite.benchmarks, evaluate=evaluate, horizon=horizon, seed=seed)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[PolicyInput, dict[str, Any]]:
        """Start the next benchmark, or the one named in `options["benchmark"]`."""
        super().reset(seed=seed)
        if seed is not None:
            self._rng = np.random.default_rng(seed)
            self._round = []
        self.benchmark = self._pick((options or {}).get("benchmark"))
        self.state = self.problem.initial(self.benchmark)
        self.steps = 0
        self.start = self.current = self.best = self.evaluate(self.state)
        self.best_state = self.state
        return self._observation(), self._info()

    def _pick(self, name: str | None) -> Benchmark:
        if name is not None:
            if name not in self._by_name:
                raise UserError(f"benchmark {name!r} is not one of this environment's {len(self.benchmarks)}")
            return self._by_name[name]
        if not self._round:
            self._round = [self.benchmarks[index] for index in self._rng.permutation(len(self.benchmarks))]
        return self._round.pop()

    def step(self, action: int) -> tuple[PolicyInput, float, bool, bool, dict[str, Any]]:
        if not 0 <= int(action) < len(self.problem.actions):
            raise IllegalAction(f"action {action} is not one of 0..{len(self.problem.actions) - 1}")
        stopped = self.problem.actions[int(action)] == STOP
        self.state = self.problem.apply(self.state, int(action))
        self.steps += 1
        reward = 0.0
        if not stopped:
            self.current = self.evaluate(self.state)
            if self.current.better_than(self.best):
                reward = self.current.gain_over(self.best) if self.best.verified else 0.0
                self.best, self.best_state = self.current, self.state
        terminated = stopped or not self.problem.legal(self.state).any()
        truncated = not terminated and self.steps >= self.horizon
        return self._observation(), reward, terminated, truncated, self._info()

    def _observation(self) -> PolicyInput:
        return policy_input(self.problem, self.state, 1.0 - self.steps / self.horizon)

    def _info(self) -> dict[str, Any]:
        current: Evaluation = self.current
        return {
            "benchmark": self.benchmark.name,
            "value": current.value,
            "best": self.best.value,
            "speedup": self.best.speedup_over(self.start),
            "error": current.error,
        }

    def render(self) -> str:  # type: ignore[override]  # Gymnasium's type variable covers frames, ours is text
        """The state as text, with the current and the best value."""
        unit = self.current.unit
        return (
            f"{self.benchmark.name}  step {self.steps}/{self.horizon}  now {self.current.value:.4g} {unit}"
            f"  best {self.best.value:.4g} {unit} ({self.best.speedup_over(self.start):.2f}x the start)\n"
            f"{self.problem.describe(self.state)}"
        )

    def close(self) -> None:
        self.problem.close()
