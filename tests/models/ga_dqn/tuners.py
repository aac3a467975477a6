"""Every tuner of genes, and how the tests run one."""

from __future__ import annotations

from collections.abc import Callable

from models.ga_dqn.published import PublishedGADQN
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import GADQNTuner
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.synthetic import SyntheticTask, dense
from rllib_envs.kernel_tuning.tuners.genetic import GeneticTuner
from rllib_envs.kernel_tuning.tuners.random_tuner import RandomTuner
from rllib_envs.kernel_tuning.tuners.tuner import Tuner

TASK = dense(128, 128, 128)
BUDGET = 80
BRIEF = GADQNSettings(hidden=16, updates_per_trial=0.5)
LINEAGE = GADQNSettings(discount=0.8, n_step=3, hidden=16, updates_per_trial=0.5)

OURS: dict[str, Callable[[GeneSpace, int], Tuner]] = {
    "random": RandomTuner,
    "genetic": GeneticTuner,
    "ga_dqn": lambda space, seed: GADQNTuner(space, seed, BUDGET, BRIEF),
    "ga_dqn_lineage": lambda space, seed: GADQNTuner(space, seed, BUDGET, LINEAGE),
    "ga_uniform": lambda space, seed: GADQNTuner(space, seed, BUDGET, GADQNSettings(choice="uniform")),
}
"""Those that never ask for a gene twice."""
ALL = OURS | {"published": lambda space, seed: PublishedGADQN(space, seed, 4 * BUDGET)}


def play(tuner: Tuner, trials: int, task: SyntheticTask = TASK, batch: int = 8) -> list[Gene]:
    """Ask and tell so many trials; the genes that were asked for."""
    asked: list[Gene] = []
    while len(asked) < trials and (genes := tuner.ask(min(batch, trials - len(asked)))):
        tuner.tell(genes, task.scores(genes))
        asked += genes
    return asked
