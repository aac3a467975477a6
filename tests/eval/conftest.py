"""Problems that evaluate on a clock of their own, so that budgets in seconds are tested to the second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rllib_envs.problem import STOP, Benchmark, Evaluation
from rllib_envs.toy import Dials, Toy
from tests.eval.fake_clock import FakeClock


class TickingToy(Toy):
    """Dials of which each evaluation takes a second."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.calls: list[Dials] = []

    def evaluate(self, state: Dials) -> Evaluation:
        self.clock.now += 1.0
        self.calls.append(state)
        return super().evaluate(state)


class ScriptedPolicy:
    """Turns the dial under the hand to its target, then moves on. Samples nearly any legal action alike."""

    def __init__(self, clock: FakeClock | None = None, seconds: float = 0.0) -> None:
        self.clock = clock
        self.seconds = seconds

    def start(self) -> ScriptedPolicy:
        return self

    def act(self, inputs: dict[str, np.ndarray], rng: np.random.Generator | None = None) -> int:
        (probabilities,), _ = self.probabilities([inputs], [None])
        return int(probabilities.argmax() if rng is None else rng.choice(len(probabilities), p=probabilities))

    def probabilities(
        self, inputs: Sequence[dict[str, np.ndarray]], memories: Sequence[None]
    ) -> tuple[np.ndarray, Sequence[None]]:
        if self.clock:
            self.clock.now += self.seconds * len(inputs)
        weights = np.exp([self.scores(each) for each in inputs])
        return weights / weights.sum(axis=1, keepdims=True), memories

    def scores(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        hand = int(inputs["tokens"][:, 3].argmax())
        off = inputs["tokens"][hand, 2]
        wanted = "raise" if off > 0 else "lower" if off < 0 else "next"
        preferred = np.array([name == wanted for name in Toy.actions]) + 0.5 * (np.array(Toy.actions) == STOP)
        return np.where(inputs["action_mask"] > 0, preferred, -np.inf)


def dials(*targets: int, name: str = "") -> Benchmark:
    return Benchmark(name or "_".join(map(str, targets)), "toy", {"targets": list(targets)})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def toy(clock: FakeClock) -> TickingToy:
    return TickingToy(clock)


@pytest.fixture
def policy() -> ScriptedPolicy:
    return ScriptedPolicy()


@pytest.fixture
def benchmarks() -> list[Benchmark]:
    """None of them starts at value 0, so speedups are finite."""
    return [dials(3), dials(5, 2), dials(1, 6, 2), dials(4, 4)]
