"""A problem that shows what matters once, in its first state, and asks for it in the last."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from rllib_envs.errors import IllegalAction
from rllib_envs.problem import Benchmark, Evaluation, Observation, ObservationSpec, Problem

CUES = 4
WAIT = CUES
WAITS = 3


class Moment(NamedTuple):
    """The cue, the steps so far, and the answer once it was given."""

    cue: int
    steps: int = 0
    answer: int | None = None


class Recall(Problem[Moment]):
    """Wait three times, then name the cue. Whoever has forgotten it is right once in four times."""

    name = "recall"
    actions = (*(f"it was {cue}" for cue in range(CUES)), "wait")
    spec = ObservationSpec(max_tokens=1, token_features=CUES, global_features=1)
    horizon = WAITS + 1
    config: ClassVar[dict[str, Any]] = {}

    def initial(self, benchmark: Benchmark) -> Moment:
        return Moment(benchmark.spec["cue"])

    def legal(self, state: Moment) -> np.ndarray:
        mask = np.zeros(CUES + 1, bool)
        if state.steps < WAITS:
            mask[WAIT] = True
        elif state.answer is None:
            mask[:CUES] = True
        return mask

    def apply(self, state: Moment, action: int) -> Moment:
        if not self.legal(state)[action]:
            raise IllegalAction(f"action {action} is not legal in {state}")
        return Moment(state.cue, state.steps + 1, None if action == WAIT else action)

    def observe(self, state: Moment) -> Observation:
        token = np.zeros((1, CUES), np.float32)
        if state.steps == 0:
            token[0, state.cue] = 1.0
        return Observation(token, np.ones(1, np.int8), np.zeros(1, np.float32))

    def evaluate(self, state: Moment) -> Evaluation:
        return Evaluation(value=1.0 + (state.answer == state.cue), unit="points", scale=1.0)

    def objective_key(self, state: Moment) -> tuple[Any, ...]:
        return state

    def describe(self, state: Moment) -> str:
        return f"step {state.steps}, answer {state.answer}"
