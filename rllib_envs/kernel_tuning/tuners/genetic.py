"""A genetic algorithm over genes (Holland 1975), with survivors as in evolution strategies (mu + lambda)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.moves import Move, MoveTable
from rllib_envs.kernel_tuning.tuners.tuner import FAILED, Draw, Tuner

TRIES = 16
"""A child that was measured before is made anew so many times; then a random gene takes its place."""


class Member(NamedTuple):
    """One of the population."""

    gene: Gene
    score: float


@dataclass(frozen=True)
class GeneticSettings:
    """How the population lives."""

    population: int = 20
    """Members that survive. A few hundred trials allow some ten generations of so many; with AutoTVM's 100 there would
    be two."""
    tournament: int = 3
    """The best of so many drawn members becomes a parent."""
    crossover: float = 0.5
    """The share of children that have two parents."""
    redraw: float = 0.2
    """The probability that a knob which changes is drawn anew instead of moved a little."""
    patience: int = 64
    """After so many trials without a new best, the worse half makes room for random immigrants."""

    def __post_init__(self) -> None:
        if self.population < 2 or self.tournament < 1 or self.patience < 1:
            raise UserError("a population needs 2 members, and tournament and patience at least 1")
        if not (0 <= self.crossover <= 1 and 0 <= self.redraw <= 1):
            raise UserError("crossover and redraw are shares; give numbers from 0 to 1")


class GeneticTuner(Tuner):
    """Random genes until the population is full, then children. No gene is asked for twice."""

    def __init__(
        self, space: GeneSpace, seed: int, settings: GeneticSettings | None = None, draw: Draw | None = None
    ) -> None:
        super().__init__(space, seed, draw)
        self.settings = settings or GeneticSettings()
        self.members: list[Member] = []
        """The best first."""
        self.moves = MoveTable(space)
        self.since_best = 0
        """Trials since the last new best, or since the last immigrants."""
        self._outstanding = 0

    def ask(self, n: int) -> list[Gene]:
        """`n` genes, or as many as are left."""
        missing = self.settings.population - len(self.members) - self._outstanding
        genes = [gene for gene in (self.fresh() for _ in range(min(n, max(missing, 0)))) if gene is not None]
        if len(self.members) > 1:
            genes += self.children(n - len(genes))
        while len(genes) < n and (gene := self.fresh()) is not None:
            genes.append(gene)
        self._outstanding += len(genes)
        return genes

    def tell(self, genes: Sequence[Gene], scores: Sequence[float]) -> None:
        best = self.best
        super().tell(genes, scores)
        self._outstanding = max(0, self._outstanding - len(genes))
        known = {member.gene for member in self.members}
        new = {gene: score for gene, score in zip(genes, scores, strict=True) if score > FAILED and gene not in known}
        self._survive([*self.members, *(Member(tuple(gene), float(score)) for gene, score in new.items())])
        self.since_best = 0 if self.best > best else self.since_best + len(genes)
        if self.since_best >= self.settings.patience:
            self._survive(self.members[: self.settings.population // 2])
            self.since_best = 0

    def children(self, n: int) -> list[Gene]:
        """At most `n` new genes made of the members."""
        return [gene for gene in (self._child() for _ in range(n)) if gene is not None]

    def parent(self) -> Member:
        """The winner of a tournament."""
        drawn = self.rng.integers(len(self.members), size=self.settings.tournament)
        return self.members[int(drawn.min())]

    def redraw(self, knob: int, choice: int) -> Move | None:
        """Any other choice of a knob; None where it has no other."""
        others = self.space.choices[knob] - 1
        if not others:
            return None
        drawn = int(self.rng.integers(others))
        return Move("redraw", 0, 0, drawn + (drawn >= choice))

    def _child(self) -> Gene | None:
        for _ in range(TRIES):
            gene = self.parent().gene
            if self.rng.random() < self.settings.crossover:
                gene = self._crossed(gene, self.parent().gene)
            gene = self._mutated(gene)
            if self.is_new(gene):
                return self.take(gene)
        return None

    def _crossed(self, gene: Gene, other: Gene) -> Gene:
        """Two-point crossover: a segment of the other parent's choices."""
        first, last = sorted(self.rng.integers(len(gene) + 1, size=2))
        return gene[:first] + other[first:last] + gene[last:]

    def _mutated(self, gene: Gene) -> Gene:
        """One knob in the mean is changed."""
        changed = list(gene)
        for knob in range(len(gene)):
            if self.rng.random() * len(gene) < 1 and (move := self._move(knob, gene[knob])) is not None:
                changed[knob] = move.choice
        return tuple(changed)

    def _move(self, knob: int, choice: int) -> Move | None:
        moves = self.moves.of(knob, choice)
        if not moves or self.rng.random() < self.settings.redraw:
            return self.redraw(knob, choice)
        return moves[int(self.rng.integers(len(moves)))]

    def _survive(self, candidates: list[Member]) -> None:
        ranked = sorted(candidates, key=lambda member: -member.score)  # stable: of equals the older stays
        self.members = ranked[: self.settings.population]

    def state(self) -> dict[str, Any]:
        members = [[list(member.gene), member.score] for member in self.members]
        return super().state() | {"members": members, "since_best": self.since_best}

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.members = [Member(tuple(gene), score) for gene, score in state["members"]]
        self.since_best, self._outstanding = state["since_best"], 0
