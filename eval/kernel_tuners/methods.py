"""The tuners that are compared, by name, and how those with networks are trained on other kernels first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from eval.kernel_tuners.trials import Kernel, Trials, run_tuner
from models.ga_dqn.published import PublishedGADQN
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import GADQNTuner, Knowledge
from rllib_envs.kernel_tuning.gene_space import GeneSpace
from rllib_envs.kernel_tuning.tuners.genetic import GeneticTuner
from rllib_envs.kernel_tuning.tuners.random_tuner import RandomTuner
from rllib_envs.kernel_tuning.tuners.tuner import Draw, Tuner
from rllib_envs.names import choose

TRAINING_SEED = 1_000_000
"""Training on other kernels has seeds from here on, which no comparison has."""
KINDS = ("random", "ga", "published_ga_dqn", "ga_dqn")


@dataclass(frozen=True)
class Method:
    """One contestant: data, so that it can be sent to another process."""

    kind: str
    settings: GADQNSettings = field(default_factory=GADQNSettings)
    """Of GA-DQN; of the genetic algorithm its part of them."""
    trained: bool = False
    """Whether it is trained on the other kernels before."""

    def __post_init__(self) -> None:
        choose(self.kind, KINDS, "tuner")

    def make(
        self,
        space: GeneSpace,
        seed: int,
        count: int,
        knowledge: Knowledge | None = None,
        draw: Draw | None = None,
    ) -> Tuner:
        """A tuner for `count` trials, whose fresh genes come from `draw`, but for those of the published GA-DQN."""
        if self.kind == "random":
            return RandomTuner(space, seed, draw)
        if self.kind == "ga":
            return GeneticTuner(space, seed, self.settings.genetic, draw)
        if self.kind == "published_ga_dqn":
            return PublishedGADQN(space, seed, count)
        return GADQNTuner(space, seed, count, self.settings, knowledge, draw=draw)


METHODS: Mapping[str, Method] = {
    "random": Method("random"),
    "ga": Method("ga"),
    "published_ga_dqn": Method("published_ga_dqn"),
    "ga_uniform": Method("ga_dqn", GADQNSettings(choice="uniform")),
    "ga_dqn": Method("ga_dqn"),
    "ga_dqn_trained": Method("ga_dqn", trained=True),
    "ga_uniform_trained": Method("ga_dqn", GADQNSettings(choice="uniform"), trained=True),
}
"""`ga_uniform` is GA-DQN with the networks' choices replaced by uniform ones, all else the same; so is
`ga_uniform_trained`, which has knowledge of other kernels only to begin with promising genes."""


class Lesson(NamedTuple):
    """How GA-DQN learns from kernels one after the other."""

    trials: int = 256
    """On each kernel, each time."""
    passes: int = 2
    """Every kernel is learnt from so many times, with another seed."""
    batch: int = 8
    seed: int = TRAINING_SEED
    noise: float = Trials.noise


LESSON = Lesson()


def train_on(
    kernels: Sequence[Kernel],
    settings: GADQNSettings,
    lesson: Lesson = LESSON,
    report: Callable[[int, str], None] = lambda done, name: None,
) -> Knowledge:
    """Tune these kernels one after the other, each with what was learnt on those before it.

    They begin with any genes, not with promising ones: what is slow is to be known, too. `report` is told how many are
    done, and which is next.
    """
    knowledge: Knowledge | None = None
    fresh, trials = replace(settings, choice="dqn", promising=1), Trials(lesson.trials, lesson.batch, lesson.noise)
    for number in range(lesson.passes * len(kernels)):
        kernel, seed = kernels[number % len(kernels)], lesson.seed + number
        report(number, kernel.name)
        tuner = GADQNTuner(kernel.space, seed, trials.count, fresh, knowledge)
        run_tuner(tuner, kernel, trials, seed)
        knowledge = tuner.knowledge()
    assert knowledge is not None, "there is a kernel to train on"
    return knowledge
