"""What GA-DQN can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.ga_dqn.rewards import REWARDS
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.tuners.genetic import GeneticSettings
from rllib_envs.names import choose

CHOICES = ("dqn", "uniform")


@dataclass(frozen=True)
class GADQNSettings:
    """How children are chosen and how choosing is learnt."""

    genetic: GeneticSettings = field(default_factory=GeneticSettings)
    """The population, which is the same with and without networks."""
    choice: str = "dqn"
    """"dqn": by the networks. "uniform": each possible choice alike, all else the same; what the networks are worth is
    the difference."""
    reward: str = "improvement"
    """What a child earns, by name."""
    discount: float = 0.0
    """What later children of the same line count. 0: a decision ends with its child."""
    n_step: int = 1
    """So many decisions of a line are summed before a value is estimated, with a discount above 0."""
    epsilon: tuple[float, float] = (1.0, 0.1)
    """The share of choices that are made uniformly, at the start and at the end."""
    epsilon_share: float = 0.5
    """The share of the budget after which it has fallen to its end."""
    trained_epsilon: float = 0.25
    """The same share for networks that bring knowledge from other kernels, at all times."""
    hidden: int = 64
    """Units in each of the two hidden layers."""
    learning_rate: float = 1e-3
    batch: int = 128
    updates_per_trial: float = 1.0
    """Gradient steps of each network for each of its children."""
    target_rate: float = 0.02
    """How far the target network follows with each step."""
    replay: int = 4096
    """Decisions that are remembered."""
    learn_after: int = 16
    """Decisions before the first gradient step."""
    promising: int = 64
    """Random genes of which the most promising one is asked for, by what was measured on other kernels; 1 for any."""
    examples: int = 8192
    """Measured genes of other kernels that are remembered for that."""

    def __post_init__(self) -> None:
        choose(self.choice, CHOICES, "way to choose children")
        choose(self.reward, REWARDS, "reward")
        shares = (self.discount, *self.epsilon, self.epsilon_share, self.trained_epsilon, self.target_rate)
        if not all(0 <= share <= 1 for share in shares):
            raise UserError("discount, epsilons, epsilon_share and target_rate are shares; give numbers from 0 to 1")
        counts = (self.n_step, self.hidden, self.batch, self.replay, self.learn_after, self.promising, self.examples)
        if min(counts) < 1 or self.updates_per_trial < 0 or self.learning_rate <= 0:
            raise UserError(
                "n_step, hidden, batch, replay, learn_after, promising and examples are at least 1, learning_rate is "
                "positive"
            )
