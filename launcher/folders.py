"""Where runs are kept, and how a policy is found: among them, or among those that are shipped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from models.policy import Policy
from models.shipped import shipped_policies
from rllib_envs.errors import UserError
from rllib_envs.problem import Problem
from rllib_envs.registry import make_problem


class FoundPolicy(NamedTuple):
    """A policy and where it was found."""

    path: Path
    policy: Policy


def runs_folder() -> Path:
    """`$LOOP_TOOL_ROOT/runs` where the variable is set, else `runs` in the working directory."""
    return Path(os.environ.get("LOOP_TOOL_ROOT", ".")) / "runs"


def problem_for(name: str, policy: Policy | None, backend: str) -> Problem[Any]:
    """The problem as the policy was trained on it, or as it is without one; with another backend where one is named."""
    config = policy.problem_config if policy else {}
    return make_problem(name, {**config, **({"backend": backend} if backend else {})})


def find_policy(given: Path | None, problem: str = "", trainer: str = "") -> FoundPolicy:
    """The policy at a path, or the newest one among the runs, or the shipped one.

    It must be for `problem` and trained by `trainer`, a registered name, where they are named. UserError when there is
    none.
    """
    found = policy_if_any(given, problem, trainer)
    if found is None:
        wanted = "".join([f" for {problem!r}"] * bool(problem) + [f" by {trainer}"] * bool(trainer))
        raise UserError(f"no policy{wanted} in {runs_folder()}/; train one, or name one with --policy")
    return found


def policy_if_any(given: Path | None, problem: str = "", trainer: str = "") -> FoundPolicy | None:
    """The same, but None where no path is given and there is none. Shipped is one for a problem that is named."""
    if given is not None:
        policy = Policy.load(given)
        if problem and policy.problem != problem:
            raise UserError(f"{given} is a policy for problem {policy.problem!r}, not for {problem!r}")
        if trainer and _trainer(policy) != trainer:
            raise UserError(f"{given} was trained by {_trainer(policy) or 'an unknown trainer'}, not by {trainer}")
        return FoundPolicy(given, policy)
    cards = sorted(runs_folder().glob("*/policy/policy.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in (*(card.parent.parent for card in cards), *shipped_policies(problem)[:1]):
        policy = Policy.load(path)
        if problem in ("", policy.problem) and trainer in ("", _trainer(policy)):
            return FoundPolicy(path, policy)
    return None


def choose_policy(
    given: Path | None, problem: str, check: Callable[[Policy], object]
) -> tuple[FoundPolicy | None, str]:
    """The policy for a task, or None, and in words which it is or why there is none.

    `check` raises UserError for a policy that was not made for such a task. That is passed on where this very policy
    was given; any other is then left out.
    """
    found = policy_if_any(given, problem)
    if found is None:
        return None, f"no policy for {problem} here"
    try:
        check(found.policy)
    except UserError as error:
        if given is not None:
            raise
        return None, f"policy {found.path} was not made for this ({error})"
    return found, f"policy {found.path}"


def with_other_seeds(found: FoundPolicy) -> list[FoundPolicy]:
    """Where it is the shipped policy, those that are trained from other seeds behind it."""
    shipped = shipped_policies(found.policy.problem)
    others = shipped[1:] if found.path in shipped[:1] else []
    return [found, *(FoundPolicy(path, Policy.load(path)) for path in others)]


def _trainer(policy: Policy) -> str:
    return str(policy.provenance.get("trainer", ""))
