"""GA-DQN for TVM itself: `tune_tir(..., strategy=ga_dqn_strategy(), cost_model="none")`. For processes with TVM."""

from __future__ import annotations

from typing import Any

from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import GADQNTuner, Knowledge
from rllib_envs.kernel_tuning.gene_space import GeneSpace
from rllib_envs.kernel_tuning.search_strategy import TunerStrategy
from rllib_envs.kernel_tuning.tuners.tuner import Tuner


def ga_dqn_strategy(settings: GADQNSettings | None = None, knowledge: Knowledge | None = None, seed: int = 0) -> Any:
    """A search strategy of MetaSchedule. `knowledge` is what networks learnt on other kernels (`read_knowledge`)."""

    def make(space: GeneSpace, own_seed: int, trials: int) -> Tuner:
        return GADQNTuner(space, own_seed, trials, settings, knowledge)

    return TunerStrategy(make, seed)
