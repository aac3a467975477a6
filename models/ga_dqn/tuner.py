"""GA-DQN, redesigned: each child is a crossover or a mutation, and which one is chosen by two deep Q-networks.

The idea is from github.com/lhutton1/ga-dqn-tuner (2021), whose algorithm `published.py` follows. What differs here: a
small population that survives, no gene measured twice, single decisions instead of an endless episode, rewards as
ratios, and networks that score each knob and move by features which mean the same for every kernel, so that one pair
of networks serves all kernels, and what it learnt is carried on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from models.ga_dqn.agent import Agent
from models.ga_dqn.features import GeneFeatures
from models.ga_dqn.forecast import Forecast
from models.ga_dqn.options import FORECAST, INPUTS, Options, crossings, mutations
from models.ga_dqn.rewards import Scored, reward_of
from models.ga_dqn.settings import GADQNSettings
from rllib_envs.kernel_tuning.gene_space import Gene, GeneSpace
from rllib_envs.kernel_tuning.moves import Move
from rllib_envs.kernel_tuning.tuners.genetic import GeneticTuner, Member
from rllib_envs.kernel_tuning.tuners.tuner import FAILED, Draw

Knowledge = Mapping[str, Mapping[str, np.ndarray]]
"""By decision, and for the forecast: the network's weights and what it remembers."""


class Step(NamedTuple):
    """One decision of a line of mutations."""

    chosen: np.ndarray
    reward: float


class Pending(NamedTuple):
    """A child that was asked for and not told yet."""

    decision: str
    chosen: np.ndarray
    parent: Gene
    parent_score: float


class GADQNTuner(GeneticTuner):
    """The genetic algorithm with chosen children. `budget` is how many trials there will be."""

    def __init__(
        self,
        space: GeneSpace,
        seed: int,
        budget: int,
        settings: GADQNSettings | None = None,
        knowledge: Knowledge | None = None,
        partner: GADQNTuner | None = None,
        draw: Draw | None = None,
    ) -> None:
        """`partner` tunes another kernel, where kernels are tuned in turns and learn together. Without a `draw` for
        fresh genes, `knowledge` of other kernels says which random ones are promising.
        """
        self.dqn = settings or GADQNSettings()
        self.features = GeneFeatures(space)
        self.agents: dict[str, Agent] = {}
        self.forecast: Forecast
        self.trained: bool
        if partner is not None:
            self.agents, self.forecast, self.trained = partner.agents, partner.forecast, partner.trained
        else:
            self.forecast, self.trained = Forecast(self.dqn, seed), knowledge is not None
            if self.dqn.choice == "dqn":
                self.agents = {name: Agent(INPUTS[name], self.dqn, seed * 2 + i) for i, name in enumerate(INPUTS)}
            if knowledge is not None:
                self.forecast.learn_from(knowledge[FORECAST])
                for name, agent in self.agents.items():
                    agent.learn_from(knowledge[name])
        self._measured = self.forecast.kernel()
        informed = self.trained and self.dqn.promising > 1
        super().__init__(space, seed, self.dqn.genetic, self._promising if informed and draw is None else draw)
        self.budget = budget
        self._pending: dict[Gene, Pending] = {}
        self._lines: dict[Gene, tuple[Step, ...]] = {}

    def _promising(self, rng: np.random.Generator) -> Gene:
        """A random gene, of several the one that the forecast prefers."""
        genes = [self.space.random(rng) for _ in range(self.dqn.promising)]
        shares = self.forecast.shares(np.stack([self.features.gene(gene) for gene in genes]))
        return genes[int(shares.argmax())]

    @property
    def epsilon(self) -> float:
        """The share of choices that are made uniformly now."""
        if self.trained:
            return self.dqn.trained_epsilon
        start, end = self.dqn.epsilon
        return start + (end - start) * min(1.0, len(self.genes) / max(1.0, self.dqn.epsilon_share * self.budget))

    def children(self, n: int) -> list[Gene]:
        offers = [offer for offer in (self._offer() for _ in range(n)) if offer.children]
        features = [offer.features() for offer in offers] if self.agents else [np.empty((0, 0))] * len(offers)
        values = self._values(offers, features)
        born = (self._choose(*each) for each in zip(offers, features, values, strict=True))
        return [child for child in born if child is not None]

    def tell(self, genes: Sequence[Gene], scores: Sequence[float]) -> None:
        best, before = self.best, list(self.scores)
        super().tell(genes, scores)
        self._note(genes, scores)
        for gene, score in zip(genes, scores, strict=True):
            pending = self._pending.pop(gene, None)
            if pending is not None:
                self._credit(gene, pending, self._reward(score, pending.parent_score, best, before))
        alive = {member.gene for member in self.members}
        self._lines = {gene: line for gene, line in self._lines.items() if gene in alive}
        for agent in self.agents.values():
            agent.learn()

    def knowledge(self) -> dict[str, dict[str, np.ndarray]]:
        """What the next kernel can start from."""
        return {name: agent.knowledge() for name, agent in self.agents.items()} | {FORECAST: self.forecast.knowledge()}

    def _note(self, genes: Sequence[Gene], scores: Sequence[float]) -> None:
        self._measured.rows.extend(self.features.gene(gene) for gene in genes)
        self._measured.scores.extend(scores)

    def _offer(self) -> Options:
        """What one parent, or two, could become."""
        one = self.parent()
        if self.rng.random() < self.settings.crossover:
            one, other = sorted((one, self.parent()), key=lambda member: -member.score)
            offer = crossings(one.gene, other.gene, one.score, self.is_new, self.features, self._situation(one, other))
            if offer.children:
                return offer
        return mutations(one.gene, one.score, self._moves(one.gene), self.features, self._situation(one, one))

    def _moves(self, gene: Gene, redraws: bool = True) -> list[tuple[int, Move]]:
        """The moves of each knob, and a redraw of each, that lead to new genes."""
        moves = []
        for knob, choice in enumerate(gene):
            redraw = self.redraw(knob, choice) if redraws else None
            for move in (*self.moves.of(knob, choice), *([] if redraw is None else [redraw])):
                if self.is_new((*gene[:knob], move.choice, *gene[knob + 1 :])):
                    moves.append((knob, move))
        return moves

    def _situation(self, one: Member, other: Member) -> np.ndarray:
        """float32 [SITUATION]."""
        ranks = [self.members.index(member) / self.settings.population for member in (one, other)]
        speeds = [np.clip(np.log2(member.score / self.best) / 4, -1, 0) for member in (one, other)]
        progress, stagnation = len(self.genes) / self.budget, self.since_best / self.settings.patience
        return np.array([*speeds, *ranks, progress, stagnation], np.float32)

    def _values(self, offers: list[Options], features: list[np.ndarray]) -> list[np.ndarray]:
        """What each choice of each offer is expected to earn, in one pass of each network."""
        values = [np.zeros(len(offer.children)) for offer in offers]
        for name, agent in self.agents.items():
            mine = [index for index, offer in enumerate(offers) if offer.decision == name]
            if mine:
                scores = agent.scores(np.concatenate([features[index] for index in mine]))
                ends = np.cumsum([len(features[index]) for index in mine])[:-1]
                for index, part in zip(mine, np.split(scores, ends), strict=True):
                    values[index] = part
        return values

    def _choose(self, offer: Options, features: np.ndarray, values: np.ndarray) -> Gene | None:
        """The child of the best choice, or of any; None where others of this batch have taken all."""
        open_choices = [index for index, child in enumerate(offer.children) if self.is_new(child)]
        if not open_choices:
            return None
        if not self.agents or self.rng.random() < self.epsilon:
            chosen = open_choices[int(self.rng.integers(len(open_choices)))]
        else:
            chosen = open_choices[int(np.argmax(values[open_choices]))]
        child = self.take(offer.children[chosen])
        if self.agents:
            self._pending[child] = Pending(offer.decision, features[chosen], offer.parent, offer.parent_score)
        return child

    def _reward(self, score: float, parent: float, best: float, before: list[float]) -> float:
        first, recent = before[: self.settings.population], before[-self.settings.population :]
        scored = Scored(score, parent, best, float(np.mean(first)), float(np.mean(recent)))
        return reward_of(self.dqn.reward, scored)

    def _credit(self, gene: Gene, pending: Pending, reward: float) -> None:
        """Remember a decision; with a discount, also what its line of mutations earned up to here."""
        agent, discount = self.agents[pending.decision], self.dqn.discount
        if not discount or pending.decision != "mutation" or not self._survived(gene):
            agent.remember(pending.chosen, reward)
            return
        line = (Step(pending.chosen, reward), *self._lines.get(pending.parent, ()))[: self.dqn.n_step]
        self._lines[gene] = line
        member = next(member for member in self.members if member.gene == gene)
        moves = self._moves(gene, redraws=False)
        following = None
        if moves:
            following = mutations(gene, member.score, moves, self.features, self._situation(member, member)).features()
        total = 0.0
        for steps, step in enumerate(line, start=1):
            total = step.reward + discount * total
            agent.remember(step.chosen, total, discount**steps, following)

    def _survived(self, gene: Gene) -> bool:
        """Whether it may have children: only then there is a state after the decision."""
        return any(member.gene == gene and member.score > FAILED for member in self.members)

    def state(self) -> dict[str, Any]:
        lines = {
            index: [np.stack([step.chosen for step in line]), np.array([step.reward for step in line])]
            for index, line in ((i, self._lines.get(member.gene)) for i, member in enumerate(self.members))
            if line
        }
        agents = {name: agent.state() for name, agent in self.agents.items()}
        learnt = {"agents": agents, FORECAST: self.forecast.state(), "trained": self.trained}
        return super().state() | {"lines": lines} | learnt

    def restore(self, state: dict[str, Any]) -> None:
        super().restore(state)
        self.trained, self._pending = state["trained"], {}
        self.forecast.learn_from(state[FORECAST])
        self._measured.rows.clear()
        self._measured.scores.clear()
        self._note(self.genes, self.scores)
        self._lines = {
            self.members[int(index)].gene: tuple(
                Step(chosen, float(reward)) for chosen, reward in zip(*line, strict=True)
            )
            for index, line in state["lines"].items()
        }
        for name, (arrays, values) in state["agents"].items():
            self.agents[name].restore(arrays, values)
