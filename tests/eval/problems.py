"""Small problems whose every state is known, and policies that play any problem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rllib_envs.problem import Benchmark, Evaluation, Observation, ObservationSpec, PolicyInput, Problem

TASK = Benchmark("task", "map", {})


class Map(Problem[tuple[str, ...]]):
    """States are the actions so far, and their values are a table. Where it has no entry, nobody can go."""

    name = "map"
    spec = ObservationSpec(1, 1, 1)
    config: Mapping[str, Any] = {}

    def __init__(
        self,
        values: Mapping[str, float],
        higher_is_better: bool = True,
        horizon: int = 8,
        same: Mapping[str, str] | None = None,
    ) -> None:
        """`values` by the actions that lead there, with spaces between them; "" is the untuned state. `same` are other
        ways to a state: {"b x": "a a x"}."""
        self.values = {tuple(way.split()): value for way, value in values.items()}
        self.same = {tuple(way.split()): tuple(other.split()) for way, other in (same or {}).items()}
        self.actions = tuple(dict.fromkeys(action for way in (*self.values, *self.same) for action in way))
        self.higher_is_better = higher_is_better
        self.horizon = horizon

    def initial(self, benchmark: Benchmark) -> tuple[str, ...]:
        return ()

    def legal(self, state: tuple[str, ...]) -> np.ndarray:
        ways = self.values.keys() | self.same.keys()
        return np.array([(*state, action) in ways for action in self.actions], bool)

    def apply(self, state: tuple[str, ...], action: int) -> tuple[str, ...]:
        way = (*state, self.actions[action])
        return self.same.get(way, way)

    def observe(self, state: tuple[str, ...]) -> Observation:
        return Observation(np.zeros((1, 1), np.float32), np.ones(1, np.int8), np.zeros(1, np.float32))

    def evaluate(self, state: tuple[str, ...]) -> Evaluation:
        return Evaluation(self.values[state], "points", 1.0, self.higher_is_better)


class FixedPolicy:
    """Likes each action as much as it is told to, wherever it is legal."""

    def __init__(self, weights: Sequence[float]) -> None:
        self.weights = np.array(weights)

    def start(self) -> FixedPolicy:
        return self

    def act(self, inputs: PolicyInput, rng: np.random.Generator | None = None) -> int:
        (probabilities,), _ = self.probabilities([inputs], [None])
        return int(probabilities.argmax() if rng is None else rng.choice(len(probabilities), p=probabilities))

    def probabilities(self, inputs: Sequence[PolicyInput], memories: Sequence[Any]) -> tuple[np.ndarray, Sequence[Any]]:
        weights = np.stack([self.weights * each["action_mask"] for each in inputs])
        return weights / weights.sum(axis=1, keepdims=True), memories
