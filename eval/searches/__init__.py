"""The searches by name. A new one is a file with one function `(trial, rng) -> None`, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from eval.searches.annealing import annealing
from eval.searches.beam import beam
from eval.searches.beam_depth_first import beam_depth_first
from eval.searches.cma_es import cma_es, require_cma
from eval.searches.genetic import genetic
from eval.searches.greedy import greedy
from eval.searches.hill_climbing import hill_climbing
from eval.searches.policy import ActingPolicy, policy_greedy
from eval.searches.policy_beam import policy_beam
from eval.searches.policy_sampled import policy_sampled
from eval.searches.random_walks import random_walks
from eval.trial import Trial
from rllib_envs.errors import UserError
from rllib_envs.names import choose

Search = Callable[[Trial, np.random.Generator], None]
"""Explores until it is done or `BudgetSpent` is raised; the trial remembers what it found."""

SEARCHES: Mapping[str, Search] = {
    "annealing": annealing,
    "beam2": partial(beam, width=2),
    "beam4": partial(beam, width=4),
    "beam2dfs": partial(beam_depth_first, width=2),
    "beam4dfs": partial(beam_depth_first, width=4),
    "cma_es": cma_es,
    "genetic": genetic,
    "greedy1": partial(greedy, look_ahead=1),
    "greedy2": partial(greedy, look_ahead=2),
    "hill_climbing": hill_climbing,
    "random": random_walks,
}

POLICY_SEARCHES: Mapping[str, Callable[[ActingPolicy, Trial, np.random.Generator], None]] = {
    "policy": policy_greedy,
    "policy_beam": policy_beam,
    "policy_sampled": policy_sampled,
}

OTHER_NAMES: Mapping[str, str] = {
    "beam2bfs": "beam2",
    "beam4bfs": "beam4",
    "loop_tune": "policy",
    "looptune": "policy",
}
"""As LoopTune's own scripts call them, which also put `_ln` behind each name."""


def search_name(name: str) -> str:
    """Our name of a search. UserError where there is none such."""
    name = name.removesuffix("_ln")
    return choose(OTHER_NAMES.get(name, name), [*SEARCHES, *POLICY_SEARCHES], "search")


def make_search(name: str, policy: ActingPolicy | None = None) -> Search:
    """The search of that name. UserError for an unknown name and for a policy's search without a policy, MissingPackage
    where it can't be run here."""
    name = search_name(name)
    if name == "cma_es":
        require_cma()
    if name in SEARCHES:
        return SEARCHES[name]
    if policy is None:
        raise UserError(f"search {name!r} plays a policy, and none was given")
    return partial(POLICY_SEARCHES[name], policy)
