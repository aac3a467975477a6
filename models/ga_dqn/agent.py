"""A double deep Q-network (van Hasselt et al., 2016) that scores each possible choice by its features."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.ga_dqn.replay import Replay
from models.ga_dqn.settings import GADQNSettings

MOST_FOLLOWING = 64
"""Candidates that are kept of the state after a decision; a kernel rarely has more moves."""


class Agent:
    """One network for any number of choices: each is scored alone, by features of its knob, its move and its gene."""

    def __init__(self, features: int, settings: GADQNSettings, seed: int) -> None:
        self.settings = settings
        self.network = _network(features, settings.hidden, seed)
        self.target = copy.deepcopy(self.network)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=settings.learning_rate, fused=True)
        self.replay = Replay(settings.replay, features, MOST_FOLLOWING if settings.discount else 0)
        self.rng = np.random.default_rng([seed, 2])
        self.owed = 0.0
        """Gradient steps that were earned and not made yet."""

    def scores(self, candidates: np.ndarray) -> np.ndarray:
        """float32 [candidates]: what each choice is expected to earn."""
        with one_thread(), torch.no_grad():
            values: np.ndarray = self.network(torch.from_numpy(candidates)).squeeze(-1).numpy()
        return values

    def remember(
        self, chosen: np.ndarray, reward: float, discount: float = 0.0, following: np.ndarray | None = None
    ) -> None:
        """Keep a decision. `following` are the candidates of the state after it, where it didn't end."""
        self.replay.add(chosen, reward, discount, following)
        self.owed += self.settings.updates_per_trial

    def learn(self) -> None:
        """Make the gradient steps that are owed, once there is enough to learn from."""
        if len(self.replay) < self.settings.learn_after:
            return
        with one_thread():
            while self.owed >= 1:
                self._step()
                self.owed -= 1

    def _step(self) -> None:
        places = self.replay.sample(self.rng, self.settings.batch)
        predicted = self.network(torch.from_numpy(self.replay.chosen[places])).squeeze(-1)
        loss = nn.functional.huber_loss(predicted, self._targets(places))
        self.optimiser.zero_grad()
        torch.autograd.backward(loss)
        self.optimiser.step()
        if self.settings.discount:
            with torch.no_grad():
                for slow, fast in zip(self.target.parameters(), self.network.parameters(), strict=True):
                    slow.lerp_(fast, self.settings.target_rate)

    def _targets(self, places: np.ndarray) -> Tensor:
        """float32 [batch]: the reward, and where the decision didn't end, the target network's value of what the online
        network would choose next."""
        rewards = torch.from_numpy(self.replay.reward[places])
        if not self.replay.discount[places].any():
            return rewards
        following = torch.from_numpy(self.replay.following[places])
        beyond = torch.arange(following.shape[1]) >= torch.from_numpy(self.replay.candidates[places])[:, None]
        with torch.no_grad():
            chosen = self.network(following).squeeze(-1).masked_fill(beyond, -torch.inf).argmax(-1, keepdim=True)
            after = self.target(following).squeeze(-1).gather(-1, chosen).squeeze(-1)
        targets: Tensor = rewards + torch.from_numpy(self.replay.discount[places]) * after
        return targets

    def knowledge(self) -> dict[str, np.ndarray]:
        """The weights and what is remembered: what the next kernel can use."""
        weights = {f"network.{name}": value.numpy().copy() for name, value in self.network.state_dict().items()}
        return weights | {f"replay.{name}": value for name, value in self.replay.state().items()}

    def learn_from(self, knowledge: Mapping[str, np.ndarray]) -> None:
        """Take over what `knowledge` returned on other kernels. The target network starts equal."""
        _load(self.network, "network.", knowledge)
        self.target.load_state_dict(self.network.state_dict())
        self.replay.restore(_named("replay.", knowledge))
        self.replay.carried = self.replay.added

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays and JSON values from which `restore` goes on."""
        arrays = self.knowledge()
        arrays |= {f"target.{name}": value.numpy().copy() for name, value in self.target.state_dict().items()}
        for index, memory in self.optimiser.state_dict()["state"].items():
            arrays |= {f"optimiser.{index}.{name}": value.numpy().copy() for name, value in memory.items()}
        return arrays, {"owed": self.owed, "rng": self.rng.bit_generator.state}

    def restore(self, arrays: Mapping[str, np.ndarray], values: Mapping[str, Any]) -> None:
        """Put back what `state` returned."""
        _load(self.network, "network.", arrays)
        _load(self.target, "target.", arrays)
        self.replay.restore(_named("replay.", arrays))
        memory: dict[int, dict[str, Tensor]] = {}
        for name, value in _named("optimiser.", arrays).items():
            index, _, key = name.partition(".")
            memory.setdefault(int(index), {})[key] = torch.from_numpy(np.array(value))
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": memory})
        self.owed, self.rng.bit_generator.state = values["owed"], values["rng"]


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes with a single thread: networks this small gain nothing from more, and sums have one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _network(features: int, hidden: int, seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        last = nn.Linear(hidden, 1)
        network = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last)
    with torch.no_grad():
        last.weight.mul_(0.1)
        last.bias.zero_()
    return network


def _load(network: nn.Module, prefix: str, arrays: Mapping[str, np.ndarray]) -> None:
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in _named(prefix, arrays).items()})


def _named(prefix: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}
