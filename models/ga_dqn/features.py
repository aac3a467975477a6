"""Genes as numbers that mean the same for every kernel, so that what was learnt on one serves the next.

Each knob in each choice is a row of logarithms and shares. A gene is the sums of its knobs' rows by role: since they
are logarithms, a sum is the size of a tile that several loops make up. No size depends on the number of knobs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rllib_envs.kernel_tuning.gene_space import ROLES, ChoiceKnob, Gene, GeneSpace, Knob, TileKnob
from rllib_envs.kernel_tuning.moves import Move

LEVELS = 5
"""Levels of a tile that are told apart, counted from the innermost; MetaSchedule's have up to four."""
LOG_SCALE = 6.0
"""Binary logarithms of tile factors and extents are divided by this."""
KNOB = LEVELS + 1 + len(ROLES) + 2 + 3
"""Features of a knob: log factors, log extent, role; rank and log of a value; depth, "at the root", "inlined"."""
GENE = len(ROLES) * KNOB
MOVE_KINDS = ("shift", "step", "redraw")
MOVE = len(MOVE_KINDS) + 2 * LEVELS


class GeneFeatures:
    """The features of one kernel's genes."""

    def __init__(self, space: GeneSpace) -> None:
        self.roles = [ROLES.index(role) for role in space.roles]
        self._rows = [_rows(knob, role) for knob, role in zip(space.knobs, self.roles, strict=True)]

    def knob(self, knob: int, choice: int) -> np.ndarray:
        """float32 [KNOB] of knob number `knob` in this choice."""
        row: np.ndarray = self._rows[knob][choice]
        return row

    def gene(self, gene: Gene) -> np.ndarray:
        """float32 [GENE]."""
        sums = np.zeros((len(ROLES), KNOB), np.float32)
        for role, rows, choice in zip(self.roles, self._rows, gene, strict=True):
            sums[role] += rows[choice]
        return sums.reshape(-1)

    def changes(self, gene: Gene, candidates: Sequence[tuple[int, Move]]) -> np.ndarray:
        """float32 [candidates, CHANGE]: for each, the move, its knob before and after, the gene before and after."""
        knobs = np.array([knob for knob, _ in candidates])
        before = np.stack([self._rows[knob][gene[knob]] for knob, _ in candidates])
        after = np.stack([self._rows[knob][move.choice] for knob, move in candidates])
        parent = np.repeat(self.gene(gene)[None], len(candidates), axis=0)
        child = parent.reshape(-1, len(ROLES), KNOB).copy()
        child[np.arange(len(candidates)), np.array(self.roles)[knobs]] += after - before
        moves = np.stack([_move_row(move) for _, move in candidates])
        return np.concatenate([moves, before, after, parent, child.reshape(len(candidates), -1)], axis=1)

    def crossings(self, gene: Gene, other: Gene, segments: np.ndarray) -> np.ndarray:
        """float32 [segments, CROSSING]: the two parents and the child that has the other's choices in `segments`,
        int [segments, 2], from the first knob to before the second."""
        ours, theirs = (
            np.stack([rows[choice] for rows, choice in zip(self._rows, g, strict=True)]) for g in (gene, other)
        )
        placed = np.zeros((len(gene), len(ROLES), KNOB), np.float32)
        placed[np.arange(len(gene)), self.roles] = theirs - ours
        sums = np.concatenate([np.zeros((1, *placed.shape[1:]), np.float32), placed.cumsum(axis=0)])
        difference = (sums[segments[:, 1]] - sums[segments[:, 0]]).reshape(len(segments), -1)
        parents = np.concatenate([self.gene(gene), self.gene(other)])
        share = (segments[:, 1:] - segments[:, :1]) / len(gene)
        repeated = np.repeat(parents[None], len(segments), axis=0)
        child = repeated[:, :GENE] + difference
        return np.concatenate([repeated, child, share], axis=1).astype(np.float32)


CHANGE = MOVE + 2 * KNOB + 2 * GENE
CROSSING = 3 * GENE + 1


def _rows(knob: Knob, role: int) -> np.ndarray:
    rows = np.zeros((knob.choices, KNOB), np.float32)
    value = LEVELS + 1 + len(ROLES)
    rows[:, LEVELS + 1 + role] = 1
    if isinstance(knob, TileKnob):
        factors = np.log2(np.array(knob.factors, np.float64))[:, ::-1] / LOG_SCALE
        rows[:, : min(knob.levels, LEVELS)] = factors[:, :LEVELS]
        rows[:, LEVELS] = math.log2(knob.extent) / LOG_SCALE
    elif isinstance(knob, ChoiceKnob):
        rows[:, value] = np.linspace(0, 1, knob.choices)
        rows[:, value + 1] = np.log2(1 + np.maximum(knob.values, 0)) / LOG_SCALE
    else:
        depths = np.array(knob.depths)
        rows[:, value + 2] = np.maximum(depths, 0) / 8
        rows[:, value + 3], rows[:, value + 4] = depths == -1, depths == -2
    return rows


def _move_row(move: Move) -> np.ndarray:
    row = np.zeros(MOVE, np.float32)
    row[MOVE_KINDS.index(move.kind)] = 1
    if move.kind == "shift":
        row[len(MOVE_KINDS) + min(move.source, LEVELS - 1)] = 1
        row[len(MOVE_KINDS) + LEVELS + min(move.target, LEVELS - 1)] = 1
    elif move.kind == "step":
        row[len(MOVE_KINDS)] = move.source
    return row
