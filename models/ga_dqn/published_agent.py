"""The deep Q-network of the published GA-DQN, as it was: squared errors, slow exploration."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import nn

from rllib_envs.torch_threads import torch_threads

HIDDEN = (256, 64)
LEARNING_RATE, DISCOUNT, BATCH = 1e-3, 0.95, 64
LEARN_START, TARGET_EVERY = 100, 200
"""Decisions before the first gradient step, and between two copies to the target network."""
EPSILON_DECAY, EPSILON_END = 0.99, 0.1
"""Per gradient step, of which there is one in four decisions: after a thousand trials it explores 40 % of the time."""


class PublishedAgent:
    """Values of `actions` numbered actions in a state of `width` numbers."""

    def __init__(self, width: int, actions: int, capacity: int, seed: int) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network, self.target = _network(width, actions), _network(width, actions)
        # Defect 10: the target network starts with weights of its own, and is a stranger for the first 200 decisions.
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=LEARNING_RATE, fused=True)
        self.capacity, self.actions = capacity, actions
        self.memory: list[tuple[np.ndarray, int, float, np.ndarray]] = []
        self.decisions, self.epsilon = 0, 1.0
        self.rng = np.random.default_rng([seed, 4])

    def act(self, state: np.ndarray) -> int:
        """The number of an action."""
        if self.rng.random() < self.epsilon:
            return int(self.rng.integers(self.actions))
        with torch_threads(1), torch.no_grad():
            return int(self.network(torch.from_numpy(state.astype(np.float32))).argmax())

    def remember(self, state: np.ndarray, action: int, reward: float, following: np.ndarray) -> None:
        """Keep a transition, in place of the oldest where the memory is full."""
        if len(self.memory) < self.capacity:
            self.memory.append((state, action, reward, following))
        else:
            self.memory[self.decisions % self.capacity] = (state, action, reward, following)
        self.decisions += 1

    def learn(self) -> None:
        """One gradient step, once there have been enough decisions."""
        if self.decisions < LEARN_START:
            return
        drawn = [self.memory[int(place)] for place in self.rng.integers(len(self.memory), size=BATCH)]
        states, actions, rewards, following = (np.array(column) for column in zip(*drawn, strict=True))
        with torch_threads(1):
            values = self.network(_tensor(states)).gather(1, torch.from_numpy(actions)[:, None]).squeeze(1)
            with torch.no_grad():
                # Defect 7: no episode ever ends, and the "next state" of a crossover is never visited.
                targets = _tensor(rewards) + DISCOUNT * self.target(_tensor(following)).max(1).values
            loss = nn.functional.mse_loss(values, targets)
            self.optimiser.zero_grad()
            torch.autograd.backward(loss)
            self.optimiser.step()
        self.epsilon = max(EPSILON_END, self.epsilon * EPSILON_DECAY)
        if self.decisions % TARGET_EVERY < 4:
            self.target = copy.deepcopy(self.network)


def _network(width: int, actions: int) -> nn.Sequential:
    first, second = HIDDEN
    return nn.Sequential(
        nn.Linear(width, first), nn.ReLU(), nn.Linear(first, second), nn.ReLU(), nn.Linear(second, actions)
    )


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))
