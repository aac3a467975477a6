"""The experiments on GA-DQN: who is set against whom, and on whose account differences are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from eval.kernel_tuners.methods import METHODS, Method
from models.ga_dqn.rewards import REWARDS
from models.ga_dqn.settings import GADQNSettings
from rllib_envs.kernel_tuning.tuners.genetic import GeneticSettings

HYPERPARAMETERS: Mapping[str, tuple[Any, ...]] = {
    "reward": ("log_ratio", "improvement"),
    "discount": (0.0, 0.0, 0.5, 0.8),
    "epsilon": ((1.0, 0.1), (0.5, 0.1), (0.5, 0.25)),
    "hidden": (32, 64, 128),
    "learning_rate": (5e-4, 1e-3, 2e-3),
    "updates_per_trial": (0.5, 1.0, 2.0),
}
CANDIDATES = 12
"""Settings that are drawn, as many as the published study reports."""


def hyperparameter_methods(seed: int = 0) -> dict[str, Method]:
    """`CANDIDATES` settings drawn at random, by what they differ in. Random search covers the few that matter better
    than a grid (Bergstra and Bengio 2012). What is best here was chosen on these kernels: prove it on others."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Method] = {}
    while len(drawn) < CANDIDATES:
        chosen = {name: values[int(rng.integers(len(values)))] for name, values in HYPERPARAMETERS.items()}
        drawn[" ".join(f"{value}" for value in chosen.values())] = Method("ga_dqn", GADQNSettings(**chosen))
    return drawn


def population_methods() -> dict[str, Method]:
    """The genetic algorithm with smaller and larger populations, up to AutoTVM's."""
    sizes = (10, 20, 50, 100)
    return {f"ga_{size}": Method("ga", GADQNSettings(genetic=GeneticSettings(population=size))) for size in sizes}


def _some(*names: str) -> Callable[[], dict[str, Method]]:
    return lambda: {name: METHODS[name] for name in names}


def _rewards() -> dict[str, Method]:
    return _some("ga_uniform")() | {name: Method("ga_dqn", GADQNSettings(reward=name)) for name in REWARDS}


EXPERIMENTS: Mapping[str, Callable[[], dict[str, Method]]] = {
    "compare_tuners": lambda: dict(METHODS),
    "compare_gadqn_ga": _some("ga", "ga_dqn"),
    "ablate_dqn": _some("ga_uniform", "ga_dqn"),
    "transfer": _some("ga_uniform", "ga_dqn", "ga_dqn_trained", "ga_uniform_trained"),
    "compare_reward": _rewards,
    "trial_ga": population_methods,
    "trial_hyperparameters": lambda: _some("ga_uniform")() | hyperparameter_methods(),
}
"""By name: the contestants. All are compared with the first."""
