"""Comparisons to report on: real searches on the toy problem, on a clock of its own, so that they repeat themselves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.budget import Budget
from eval.compare import compare
from eval.comparison import Comparison
from eval.searches.policy import Player
from rllib_envs.problem import STOP, Benchmark, Evaluation
from rllib_envs.toy import POSITIONS, Dials, Toy
from tests.eval.fake_clock import FakeClock

SECONDS = 0.003
"""That an evaluation takes, on average."""

METHODS = ("policy", "policy_sampled", "greedy1", "greedy2", "beam2", "random")


class SlowToy(Toy):
    """Dials whose evaluations take time, and more of it the further the dials are turned."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock

    def evaluate(self, state: Dials) -> Evaluation:
        self.clock.now += SECONDS * (0.5 + sum(state.positions) / len(state.positions) / POSITIONS)
        return super().evaluate(state)


class HastyPolicy:
    """Turns each dial almost to its target and goes on to the next one; drawn from, now and then something else."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    def start(self) -> Player:
        return self

    def act(self, inputs: dict[str, np.ndarray], rng: np.random.Generator | None = None) -> int:
        (probabilities,), _ = self.probabilities([inputs], [None])
        return int(probabilities.argmax() if rng is None else rng.choice(len(probabilities), p=probabilities))

    def probabilities(
        self, inputs: Sequence[dict[str, np.ndarray]], memories: Sequence[None]
    ) -> tuple[np.ndarray, Sequence[None]]:
        self.clock.now += SECONDS / 10 * len(inputs)
        legal = np.stack([each["action_mask"] > 0 for each in inputs])
        found = 0.2 * legal / legal.sum(axis=1, keepdims=True)
        for row, each in enumerate(inputs):
            found[row, self.wanted(each)] += 0.8
        return found, memories

    @staticmethod
    def wanted(inputs: dict[str, np.ndarray]) -> int:
        hand = int(inputs["tokens"][:, 3].argmax())
        wanted = "raise" if inputs["tokens"][hand, 2] > 1.5 / POSITIONS else "next"
        action = Toy.actions.index(wanted)
        return action if inputs["action_mask"][action] else Toy.actions.index(STOP)


def toy_comparison(benchmarks: int = 8, methods: Sequence[str] = METHODS, seeds: int = 3) -> Comparison:
    """So many benchmarks drawn by seed, and baselines: to turn the first dial alone, every dial halfway, and one
    that is not there."""
    clock = FakeClock()
    problem = SlowToy(clock)
    rng = np.random.default_rng(0)
    tasks = []
    for index in range(benchmarks):
        targets = [int(target) for target in rng.integers(1, POSITIONS - 1, size=rng.integers(3, 5))]
        tasks.append(Benchmark(f"dials{3 * index}_{''.join(map(str, targets))}", "toy", {"targets": targets}))

    def first_dial(benchmark: Benchmark) -> Evaluation:
        state = problem.initial(benchmark)
        return problem.evaluate(state._replace(positions=(state.targets[0], *state.positions[1:])))

    def halfway(benchmark: Benchmark) -> Evaluation | None:
        state = problem.initial(benchmark)
        if len(state.targets) < 4:
            return None
        return problem.evaluate(state._replace(positions=(POSITIONS // 2,) * len(state.targets)))

    def absent(benchmark: Benchmark) -> Evaluation:
        return Evaluation(0.0, "share", 1.0, error="not installed: pip install 'toys[more]'")

    return compare(
        problem,
        tasks,
        methods,
        Budget(seconds=50 * SECONDS),
        range(seeds),
        HastyPolicy(clock),
        baselines={"first_dial": first_dial, "absent": absent, "halfway": halfway},
        clock=clock,
    )
