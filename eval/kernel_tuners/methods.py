"""The tuners that are compared, by name, and how those with networks are trained on other kernels first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from eval.kernel_tuners.trials import Kernel, Trials, run_tuner
from models.ga_dqn.published import PublishedGADQN
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import GADQNTuner
from rllib_envs.kernel_tuning.tuners.genetic import GeneticTuner
from rllib_envs.kernel_tuning.tuners.random_tuner import RandomTuner
from rllib_envs.kernel_tuning.tuners.tuner import Tuner

Knowledge = dict[str, dict[str, np.ndarray]]
TRAINING_SEED = 1_000_000
"""Training on other kernels has seeds from here on, which no comparison has."""
TRAINING_TRIALS = 256
"""Trials on each kernel that is trained on, each time."""
PASSES = 2
"""Every kernel is trained on so many times, with another seed."""


@dataclass(frozen=True)
class Method:
    """One contestant."""

    make: Callable[[Kernel, int, int, Knowledge | None], Tuner]
    """From a kernel, a seed, the number of trials and, if it was trained before, what was learnt."""
    trained: GADQNSettings | None = None
    """What it was trained with on the other kernels; None where it comes untrained."""


def ga_dqn(settings: GADQNSettings | None = None, trained: bool = False) -> Method:
    """GA-DQN with these settings, fresh or trained on the other kernels."""
    chosen = settings or GADQNSettings()

    def make(kernel: Kernel, seed: int, count: int, knowledge: Knowledge | None) -> Tuner:
        return GADQNTuner(kernel.space, seed, count, chosen, knowledge)

    return Method(make, chosen if trained else None)


METHODS: Mapping[str, Method] = {
    "random": Method(lambda kernel, seed, count, knowledge: RandomTuner(kernel.space, seed)),
    "ga": Method(lambda kernel, seed, count, knowledge: GeneticTuner(kernel.space, seed)),
    "published_ga_dqn": Method(lambda kernel, seed, count, knowledge: PublishedGADQN(kernel.space, seed, count)),
    "ga_uniform": ga_dqn(GADQNSettings(choice="uniform")),
    "ga_dqn": ga_dqn(),
    "ga_dqn_trained": ga_dqn(trained=True),
}
"""`ga_uniform` is GA-DQN with the networks' choices replaced by uniform ones, all else the same."""


def train_on(kernels: Sequence[Kernel], settings: GADQNSettings, passes: int = PASSES, batch: int = 8) -> Knowledge:
    """Tune these kernels one after the other, each with what was learnt on those before it."""
    knowledge: Knowledge | None = None
    fresh, trials = replace(settings, choice="dqn"), Trials(TRAINING_TRIALS, batch)
    for number in range(passes * len(kernels)):
        kernel, seed = kernels[number % len(kernels)], TRAINING_SEED + number
        tuner = GADQNTuner(kernel.space, seed, trials.count, fresh, knowledge)
        run_tuner(tuner, kernel, trials, seed)
        knowledge = tuner.knowledge()
    assert knowledge is not None, "there is a kernel to train on"
    return knowledge
