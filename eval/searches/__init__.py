"""The searches by name. A new one is a file with one function `(trial, rng) -> None`, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from eval.searches.beam import beam
from eval.searches.greedy import greedy
from eval.searches.policy import ActingPolicy, policy_greedy, policy_sampled
from eval.searches.random_walks import random_walks
from eval.trial import Trial
from rllib_envs.errors import UserError
from rllib_envs.names import choose

Search = Callable[[Trial, np.random.Generator], None]
"""Explores until it is done or `BudgetSpent` is raised; the trial remembers what it found."""

SEARCHES: Mapping[str, Search] = {
    "beam2": partial(beam, width=2),
    "beam4": partial(beam, width=4),
    "greedy1": partial(greedy, look_ahead=1),
    "greedy2": partial(greedy, look_ahead=2),
    "random": random_walks,
}

POLICY_SEARCHES: Mapping[str, Callable[[ActingPolicy, Trial, np.random.Generator], None]] = {
    "policy": policy_greedy,
    "policy_sampled": policy_sampled,
}


def make_search(name: str, policy: ActingPolicy | None = None) -> Search:
    """The search of that name. UserError for an unknown name, and for a policy's search without a policy."""
    choose(name, [*SEARCHES, *POLICY_SEARCHES], "search")
    if name in SEARCHES:
        return SEARCHES[name]
    if policy is None:
        raise UserError(f"search {name!r} plays a policy, and none was given")
    return partial(POLICY_SEARCHES[name], policy)
