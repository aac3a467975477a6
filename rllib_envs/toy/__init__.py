"""The smallest complete problem, for tests and for reading: turn dials to where the machine hums.

Each benchmark is a row of dials with a best position that the observation shows. The value is the share of closeness,
1.0 when every dial is right, so the optimum is known and a learner can be held to it. A benchmark may say with
`seconds` how long an evaluation takes.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.problem import STOP, Benchmark, Evaluation, Observation, ObservationSpec, Problem, RecordKey

POSITIONS = 8
MAX_DIALS = 4


class Dials(NamedTuple):
    """Where each dial stands, where it should stand, which one the hand is on, and how long an evaluation takes."""

    positions: tuple[int, ...]
    targets: tuple[int, ...]
    hand: int = 0
    seconds: float = 0.0


class Toy(Problem[Dials]):
    name = "toy"
    actions = ("next", "raise", "lower", STOP)
    spec = ObservationSpec(max_tokens=MAX_DIALS, token_features=4, global_features=1)

    def __init__(self, horizon: int = 16) -> None:
        self.horizon = horizon
        self.config = {"horizon": horizon}

    def initial(self, benchmark: Benchmark) -> Dials:
        targets = benchmark.spec.get("targets")
        if not isinstance(targets, list) or not 1 <= len(targets) <= MAX_DIALS:
            raise UserError(f"toy benchmark {benchmark.name!r} needs 1 to {MAX_DIALS} targets, got {targets!r}")
        if any(target not in range(POSITIONS) for target in targets):
            raise UserError(f"toy benchmark {benchmark.name!r} has a target outside 0..{POSITIONS - 1}: {targets}")
        seconds = float(benchmark.spec.get("seconds", 0.0))
        return Dials(positions=(0,) * len(targets), targets=tuple(targets), seconds=seconds)

    def legal(self, state: Dials) -> np.ndarray:
        here = state.positions[state.hand]
        return np.array([state.hand + 1 < len(state.positions), here < POSITIONS - 1, here > 0, True])

    def apply(self, state: Dials, action: int) -> Dials:
        if not self.legal(state)[action]:
            raise IllegalAction(f"{self.actions[action]!r}: dial {state.hand} has no further position that way")
        match self.actions[action]:
            case "next":
                return state._replace(hand=state.hand + 1)
            case "raise":
                return self._turned(state, +1)
            case "lower":
                return self._turned(state, -1)
        return state

    @staticmethod
    def _turned(state: Dials, by: int) -> Dials:
        positions = list(state.positions)
        positions[state.hand] += by
        return state._replace(positions=tuple(positions))

    def observe(self, state: Dials) -> Observation:
        tokens = np.zeros((MAX_DIALS, 4), np.float32)
        mask = np.zeros(MAX_DIALS, np.int8)
        for row, (position, target) in enumerate(zip(state.positions, state.targets, strict=True)):
            tokens[row] = (
                position / POSITIONS,
                target / POSITIONS,
                (target - position) / POSITIONS,
                row == state.hand,
            )
            mask[row] = 1
        return Observation(tokens, mask, np.array([state.hand / MAX_DIALS], np.float32))

    def evaluate(self, state: Dials) -> Evaluation:
        if state.seconds:
            time.sleep(state.seconds)
        off = sum(abs(target - position) for position, target in zip(state.positions, state.targets, strict=True))
        worst = (POSITIONS - 1) * len(state.positions)
        return Evaluation(value=1 - off / worst, unit="share", scale=1.0, how="closed formula")

    def objective_key(self, state: Dials) -> tuple[Any, ...]:
        return state.positions, state.targets

    def record_key(self, state: Dials) -> RecordKey:
        return RecordKey(f"targets {_row(state.targets)}", f"positions {_row(state.positions)}")

    def describe(self, state: Dials) -> str:
        marks = ("*" if row == state.hand else " " for row in range(len(state.positions)))
        rows = zip(marks, state.positions, state.targets, strict=True)
        return "\n".join(f"{mark} dial at {position}, best {target}" for mark, position, target in rows)


def _row(numbers: tuple[int, ...]) -> str:
    return " ".join(map(str, numbers))
