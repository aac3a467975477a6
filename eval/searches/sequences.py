"""Whole sequences of actions as what is varied: how the searches that mutate and recombine see a problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eval.searches.merit import best_merit, merits_of
from eval.trial import Node, Trial


class Candidate(NamedTuple):
    """A sequence of legal actions, played to the horizon or to where nothing is legal."""

    way: tuple[Node, ...]
    """The untuned state, and the one behind each action."""
    merits: tuple[float, ...]
    """Of each state on the way."""
    merit: float
    """That of the best of them, which is what a user would be handed."""

    @property
    def actions(self) -> tuple[int, ...]:
        return self.way[-1].actions


def play(trial: Trial, wanted: Sequence[int], rng: np.random.Generator, parent: Candidate | None = None) -> Candidate:
    """Take the wanted actions, or a random legal one in place of each that is not legal and beyond the last of them.

    Every state on the way is evaluated. What the sequence has in common with its parent's beginning is taken from
    there.
    """
    way, merits = ([trial.root], []) if parent is None else _in_common(parent, wanted)
    node = way[-1]
    while moves := trial.moves(node):
        step = len(node.actions)
        repaired = step >= len(wanted) or wanted[step] not in moves
        node = trial.step(node, moves[drawn(rng, len(moves))] if repaired else wanted[step])
        way.append(node)
    merits += merits_of(trial, way[len(merits) :])
    return Candidate(tuple(way), tuple(merits), best_merit(merits))


def _in_common(parent: Candidate, wanted: Sequence[int]) -> tuple[list[Node], list[float]]:
    """The way up to where the parent did something else, and the merits of all on it but the last: that one is
    evaluated again, so that a search without a new idea comes to an end."""
    pairs = enumerate(zip(parent.actions, wanted, strict=False))
    shorter = min(len(parent.actions), len(wanted))
    common = next((step for step, (had, wants) in pairs if had != wants), shorter)
    return list(parent.way[: common + 1]), list(parent.merits[:common])


def drawn(rng: np.random.Generator, count: int) -> int:
    """One of `range(count)`, each as likely. For a single number, `Generator.integers` takes several times as long."""
    return int(rng.random() * count)


def mutated(actions: Sequence[int], choices: int, rng: np.random.Generator) -> list[int]:
    """One random change: an action replaced, one inserted, or one left out, by any of `choices`, legal or not."""
    changed = list(actions)
    if not changed:
        return changed
    place, action = drawn(rng, len(changed)), drawn(rng, choices)
    match drawn(rng, 3):
        case 0:
            changed[place] = action
        case 1:
            changed.insert(place, action)
        case _:
            del changed[place]
    return changed
