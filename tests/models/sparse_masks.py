"""A problem that is all mask: what is legal changes with every step, and often it is one action alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rllib_envs.errors import IllegalAction
from rllib_envs.problem import Benchmark, Evaluation, Observation, ObservationSpec, Problem

ACTIONS = 12
MOST_STEPS = 9


class Place(NamedTuple):
    """What is legal here depends on the benchmark's number and on every action so far."""

    number: int
    path: tuple[int, ...] = ()


class SparseMasks(Problem[Place]):
    """In a third of the states one action is legal, in the others two to four of twelve; in the last one none."""

    name = "sparse_masks"
    actions = tuple(f"action_{index}" for index in range(ACTIONS))
    spec = ObservationSpec(max_tokens=1, token_features=2, global_features=1)
    horizon = 2 * MOST_STEPS

    def initial(self, benchmark: Benchmark) -> Place:
        return Place(benchmark.spec["number"])

    def legal(self, state: Place) -> np.ndarray:
        mask = np.zeros(ACTIONS, bool)
        code = hash((state.number, *state.path))
        if len(state.path) < MOST_STEPS - state.number % 3:
            for index in range(1 if code % 3 == 0 else 2 + code % 3):
                mask[(code >> (4 * index)) % ACTIONS] = True
        return mask

    def apply(self, state: Place, action: int) -> Place:
        if not self.legal(state)[action]:
            raise IllegalAction(f"action {action} is not legal after {state.path}")
        return Place(state.number, (*state.path, action))

    def observe(self, state: Place) -> Observation:
        last = state.path[-1] if state.path else -1
        token = np.array([[last / ACTIONS, len(state.path) / MOST_STEPS]], np.float32)
        return Observation(token, np.ones(1, np.int8), np.array([state.number / 10], np.float32))

    def evaluate(self, state: Place) -> Evaluation:
        return Evaluation(value=1.0 + sum(action % 3 == 0 for action in state.path), unit="points", scale=10.0)

    def objective_key(self, state: Place) -> tuple[Any, ...]:
        return state

    def describe(self, state: Place) -> str:
        return " ".join(map(str, state.path))
