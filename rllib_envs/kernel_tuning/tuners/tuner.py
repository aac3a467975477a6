"""What every tuner is: it is asked for genes, and told how fast they were."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace

FAILED = 0.0
"""The score of a gene that was not built, crashed, or answered wrongly."""
DRAWS = 64
"""So many random genes are tried for one that is new; after that the space is nearly used up and is walked through."""
Draw = Callable[[np.random.Generator], Gene]
"""A source of random genes."""


class Tuner(ABC):
    """Proposes genes of one kernel. The same seed and the same scores give the same genes.

    Which genes are drawn at random depends on the seed alone, so tuners with the same seed begin with the same ones.
    """

    def __init__(self, space: GeneSpace, seed: int, draw: Draw | None = None) -> None:
        """`draw` is where fresh genes come from, as long as it has new ones; by default all are equally likely."""
        self.space = space
        self._sources = [space.random] if draw is None else [draw, space.random]
        self.genes: list[Gene] = []
        """What was told, in this order."""
        self.scores: list[float] = []
        """Their speeds, in any unit, `FAILED` where there is none."""
        self.rng = np.random.default_rng([seed, 1])
        self._fresh_rng = np.random.default_rng([seed, 0])
        self._taken: set[Gene] = set()

    @abstractmethod
    def ask(self, n: int) -> list[Gene]:
        """At most `n` genes to measure next; none when every gene of the space was asked for."""

    def tell(self, genes: Sequence[Gene], scores: Sequence[float]) -> None:
        """How fast genes were, whether they were asked for or come from earlier records; `FAILED` for failures.

        UserError for what is no gene of the space or no speed.
        """
        for gene, score in zip(genes, scores, strict=True):
            self.space.check(gene)
            if not (math.isfinite(score) and score >= 0):
                raise UserError(f"gene {gene} was told the score {score}; give its speed, or {FAILED} if it failed")
            self.genes.append(tuple(gene))
            self.scores.append(float(score))
            self._taken.add(tuple(gene))

    @property
    def best(self) -> float:
        """The highest score so far; `FAILED` before there is one."""
        return max(self.scores, default=FAILED)

    def is_new(self, gene: Gene) -> bool:
        """Whether it was neither asked for nor told."""
        return gene not in self._taken

    def take(self, gene: Gene) -> Gene:
        """Note that it is asked for."""
        self._taken.add(gene)
        return gene

    def fresh(self) -> Gene | None:
        """A random gene that is new, and is now taken; None when there is none."""
        if len(self._taken) >= self.space.size:
            return None
        for draw in self._sources:
            for _ in range(DRAWS):
                if self.is_new(gene := draw(self._fresh_rng)):
                    return self.take(gene)
        return next(self.take(gene) for gene in product(*map(range, self.space.choices)) if self.is_new(gene))

    def state(self) -> dict[str, Any]:
        """All that is needed to go on from the last `tell`: JSON values and arrays. What was asked for since then and
        not told is forgotten."""
        return {
            "genes": [list(gene) for gene in self.genes],
            "scores": list(self.scores),
            "rng": self.rng.bit_generator.state,
            "fresh_rng": self._fresh_rng.bit_generator.state,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned, in a tuner that was made with the same settings."""
        self.genes, self.scores, self._taken = [], [], set()
        Tuner.tell(self, [tuple(gene) for gene in state["genes"]], state["scores"])
        self.rng.bit_generator.state = state["rng"]
        self._fresh_rng.bit_generator.state = state["fresh_rng"]
