"""Random genes without repeats: what every other tuner has to beat."""

from __future__ import annotations

from rllib_envs.kernel_tuning.gene_space import Gene
from rllib_envs.kernel_tuning.tuners.tuner import Tuner


class RandomTuner(Tuner):
    """Each new gene with the same probability."""

    def ask(self, n: int) -> list[Gene]:
        """`n` genes, or as many as are left."""
        return [gene for gene in (self.fresh() for _ in range(n)) if gene is not None]
