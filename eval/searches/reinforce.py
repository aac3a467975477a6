"""One-step REINFORCE from a buffer: the rule of earlier work on network scaling, to be compared with.

As https://github.com/Janghyun1230/aisys2021_AutoML does it: an endless walk, whose steps are kept as (state, action,
gain of that step). From time to time a network learns from samples of them to do again what gained, without a baseline,
a discount, or a correction for how the buffer was filled. Two things are ours: features instead of raw factors, and a
mask in place of a penalty for what isn't allowed.

Its updates take far longer than most problems' evaluations, so it is not among the searches of `tunewright compare`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.searches.merit import merit
from eval.trial import Node, Trial

WIDTH = 128
LEAK = 0.2
LEARNING_RATE = 1e-3
SAMPLE = 256
STEPS_A_ROUND, UPDATES_A_ROUND = 10, 100
FIRST_EPSILON = 1.0
"""Added to each probability, before they are made to sum to one again."""
EPSILON_HALVED_AT, EPSILON_HALVED_EVERY = 1_000, 500
"""Steps in the buffer."""


def reinforce(trial: Trial, rng: np.random.Generator) -> None:
    """Walk, learn, and walk on; at the horizon the walk begins anew."""
    walker = _Walker(trial, rng)
    while True:
        for _ in range(STEPS_A_ROUND):
            walker.step()
        walker.learn()


class _Walker:
    """The walk, what it remembers, and the network that it learns with."""

    def __init__(self, trial: Trial, rng: np.random.Generator) -> None:
        import torch

        self.trial, self.rng = trial, rng
        self.here = trial.root
        features = len(self._features(trial.root))
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(int(rng.integers(2**31)))
            self.network = torch.nn.Sequential(
                torch.nn.Linear(features, WIDTH),
                torch.nn.LeakyReLU(LEAK),
                torch.nn.Linear(WIDTH, WIDTH),
                torch.nn.LeakyReLU(LEAK),
                torch.nn.Linear(WIDTH, len(trial.problem.actions)),
            )
        self.optimizer = torch.optim.Adam(self.network.parameters(), LEARNING_RATE)
        self.buffer: dict[tuple[object, int], tuple[np.ndarray, float]] = {}
        self.learnt_at = 0
        self.epsilon, self.threshold = FIRST_EPSILON, EPSILON_HALVED_AT

    def _features(self, node: Node) -> np.ndarray:
        """float32 [features]."""
        seen = self.trial.problem.observe(node.state)
        return np.concatenate((seen.tokens.ravel(), seen.globals)).astype(np.float32)

    def step(self) -> None:
        trial, here = self.trial, self.here
        moves = trial.moves(here)
        value = merit(trial.evaluate(here))
        if not moves:
            self.here = trial.root
            return
        action = moves[self._drawn(here, moves)]
        self.here = trial.step(here, action)
        gain = merit(trial.evaluate(self.here)) - value
        if np.isfinite(gain):
            self.buffer[here.state, action] = self._features(here), gain
        if len(self.buffer) > self.threshold:
            self.epsilon, self.threshold = self.epsilon / 2, self.threshold + EPSILON_HALVED_EVERY

    def _drawn(self, node: Node, moves: Sequence[int]) -> int:
        import torch

        with torch.inference_mode():
            logits = self.network(torch.from_numpy(self._features(node)))
            likely = torch.softmax(logits, 0).numpy().astype(float)[list(moves)] + self.epsilon
        return int(self.rng.choice(len(moves), p=likely / likely.sum()))

    def learn(self) -> None:
        import torch

        if not self.buffer or self.trial.evaluations == self.learnt_at:  # nothing was evaluated since
            return
        self.learnt_at = self.trial.evaluations
        steps = list(self.buffer.items())
        features = torch.from_numpy(np.stack([seen for _, (seen, _) in steps]))
        actions = torch.tensor([action for (_, action), _ in steps])
        gains = torch.tensor([gain for _, (_, gain) in steps], dtype=torch.float32)
        for _ in range(UPDATES_A_ROUND):
            chosen = torch.from_numpy(self.rng.integers(0, len(steps), SAMPLE))
            logarithms = torch.log_softmax(self.network(features[chosen]), 1)
            taken = logarithms.gather(1, actions[chosen, None])[:, 0]
            loss = -(gains[chosen] * taken).mean()
            self.optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
