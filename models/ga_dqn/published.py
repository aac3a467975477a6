"""GA-DQN as it was published (github.com/lhutton1/ga-dqn-tuner, 2021), with its defects, for comparison only.

Written anew from a description of what that code does. Each defect is named where it is kept; the tuner in `tuner.py`
has none of them. Genes are asked for in batches of four, and the same gene may be asked for many times.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np

from models.ga_dqn.published_agent import PublishedAgent
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.tuners.tuner import Tuner

POPULATION, ELITES = 64, 3
BATCH = 4
"""Children between two gradient steps."""

Batches = Generator[list[Gene], list[float], None]
"""Yields genes to measure and is sent their scores."""


class PublishedGADQN(Tuner):
    """Generations of crossovers and of mutations in turns, each chosen by a network."""

    _queue: list[Gene]
    """What of the present batch was not asked for yet."""
    _told: list[float]
    """The scores of the present batch so far."""
    _batch: int
    """Its size."""
    _population: list[Gene]
    _fitness: list[float]
    _visited: set[Gene]
    _life: Batches

    def __init__(self, space: GeneSpace, seed: int, budget: int) -> None:
        knobs = len(space.knobs)
        if knobs < 3:
            raise UserError(f"the published GA-DQN needs 3 knobs to have a place to cut; this kernel has {knobs}")
        super().__init__(space, seed)
        self.seed, self.budget = seed, budget
        self._start()

    def ask(self, n: int) -> list[Gene]:
        """At most the rest of a batch; none before the scores of the last one were told."""
        genes, self._queue = self._queue[:n], self._queue[n:]
        return genes

    def tell(self, genes: Sequence[Gene], scores: Sequence[float]) -> None:
        """Scores come in the order in which the genes were asked for."""
        super().tell(genes, scores)
        self._told += scores
        if len(self._told) == self._batch:
            told, self._told = self._told, []
            self._open(self._life.send(told))

    def restore(self, state: dict[str, Any]) -> None:
        """By living through it again: whatever was asked and told is in the state, and nothing else decides."""
        Tuner.__init__(self, self.space, self.seed)
        self._start()
        for gene, score in zip(state["genes"], state["scores"], strict=True):
            assert self.ask(1) == [tuple(gene)], "the same seed and scores give the same genes"
            self.tell([tuple(gene)], [score])

    def _start(self) -> None:
        knobs, capacity = len(self.space.knobs), -(-self.budget // 2)
        self.mutation = PublishedAgent(knobs, knobs + 1, capacity, 2 * self.seed)
        # Defect 8: of the places to cut, the last two can't be chosen, and the first copies a parent.
        self.crossover = PublishedAgent(2 * knobs, knobs - 2, capacity, 2 * self.seed + 1)
        self._visited, self._population, self._fitness, self._told = set(), [], [], []
        self._life = self._generations()
        self._open(next(self._life))

    def _open(self, batch: list[Gene]) -> None:
        self._queue, self._batch = list(batch), len(batch)

    def _generations(self) -> Batches:
        first = [gene for gene in (self.fresh() for _ in range(min(POPULATION, self.space.size))) if gene is not None]
        self._fitness = yield first
        self._population, self._visited = list(first), set(first)
        while True:
            yield from self._crossover_generation()
            yield from self._mutation_generation()

    def _crossover_generation(self) -> Batches:
        # Defect 2: the elites are added to the population every time, and nothing is ever taken out of it.
        elites = np.argsort(self.scores)[::-1][:ELITES]
        self._population += [self.genes[index] for index in elites]
        self._fitness += [self.scores[index] for index in elites]
        # Defect 2: the chances of parents are computed once, while children take the parents' places below.
        fitness = np.array(self._fitness)
        chances = fitness / fitness.sum() if fitness.sum() > 0 else None
        for start in range(0, POPULATION, BATCH):
            made = []
            for _ in range(BATCH):
                one, other = (self._population[int(i)] for i in self.rng.choice(len(fitness), size=2, p=chances))
                # Defect 4: acts on the choices as they are, and learns from them divided by their number.
                cut = self.crossover.act(np.array(one + other))
                made.append((one + other, cut, one[:cut] + other[cut:]))
            # Defect 3: children of crossover are never noted as visited, and are measured again and again.
            scores = yield [child for _, _, child in made]
            for place, ((parents, cut, child), score) in enumerate(zip(made, scores, strict=True), start):
                following = np.concatenate([self._normal(child), np.zeros(len(child))])
                self.crossover.remember(self._normal(parents), cut, self._reward(score), following)
                if place < len(self._population):
                    self._population[place], self._fitness[place] = child, score
            self.crossover.learn()

    def _mutation_generation(self) -> Batches:
        for index in range(POPULATION // BATCH):
            # Defect 1: the first slice, [-1:3], is empty, and the others begin one too early: genes 0, 1, 2 and those
            # from 63 on are never mutated.
            places = range(len(self._population))[index * BATCH - 1 : index * BATCH - 1 + BATCH]
            made = [(self._population[place], *self._mutated(self._population[place])) for place in places]
            if not made:
                continue
            scores = yield [child for _, _, child in made]
            for place, (gene, action, child), score in zip(places, made, scores, strict=True):
                self.mutation.remember(self._normal(gene), action, self._reward(score), self._normal(child))
                self._population[place], self._fitness[place] = child, score
            self.mutation.learn()

    def _mutated(self, gene: Gene) -> tuple[int, Gene]:
        """The action that is remembered, and the child."""
        action = self.mutation.act(np.array(gene))  # defect 4, as above
        child = gene if action == 0 else self._redrawn(gene, action - 1)
        if action and child in self._visited and len(self._visited) < self.space.size:
            while child in self._visited:
                knob = int(self.rng.integers(len(gene)))
                child = self._redrawn(child, knob)
            # Defect 5: the action of knob k is k + 1, but k is remembered, and only of the last of several changes.
            action = knob
        self._visited.add(gene)  # defect 3: the parent is noted, not the child
        return action, child

    def _redrawn(self, gene: Gene, knob: int) -> Gene:
        return (*gene[:knob], int(self.rng.integers(self.space.choices[knob])), *gene[knob + 1 :])

    def _reward(self, score: float) -> float:
        """R3, the published default. Defect 6: the best holds this score already, a failure gets more than a slow
        kernel, of slow kernels the faster one gets less, and the scale is that of the kernel."""
        recent = float(np.mean(self.scores[-POPULATION:]))
        if score >= self.best:
            return 5 * score
        if score > recent:
            return score
        return 0.0 if score == recent else -score

    def _normal(self, choices: Gene) -> np.ndarray:
        counts = self.space.choices * (len(choices) // len(self.space.choices))
        return np.divide(choices, counts)
