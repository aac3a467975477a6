"""Where runs are kept, and how a policy is found among them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from models.policy import Policy
from rllib_envs.errors import UserError
from rllib_envs.problem import Problem
from rllib_envs.registry import make_problem


def runs_folder() -> Path:
    """`$LOOP_TOOL_ROOT/runs` where the variable is set, else `runs` in the working directory."""
    return Path(os.environ.get("LOOP_TOOL_ROOT", ".")) / "runs"


def problem_for(name: str, policy: Policy | None, backend: str) -> Problem[Any]:
    """The problem as the policy was trained on it, or as it is without one; with another backend where one is named."""
    config = policy.problem_config if policy else {}
    return make_problem(name, {**config, **({"backend": backend} if backend else {})})


def find_policy(given: Path | None, problem: str = "", trainer: str = "") -> tuple[Path, Policy]:
    """The policy at a path, or the newest one among the runs.

    It must be for `problem` and trained by `trainer`, a registered name, where they are named. UserError when there is
    none.
    """
    found = policy_if_any(given, problem, trainer)
    if found is None:
        wanted = "".join([f" for {problem!r}"] * bool(problem) + [f" by {trainer}"] * bool(trainer))
        raise UserError(f"no policy{wanted} in {runs_folder()}/; train one, or name one with --policy")
    return found


def policy_if_any(given: Path | None, problem: str = "", trainer: str = "") -> tuple[Path, Policy] | None:
    """The same, but None where no path is given and none of the runs has such a policy."""
    if given is not None:
        policy = Policy.load(given)
        if problem and policy.problem != problem:
            raise UserError(f"{given} is a policy for problem {policy.problem!r}, not for {problem!r}")
        if trainer and _trainer(policy) != trainer:
            raise UserError(f"{given} was trained by {_trainer(policy) or 'an unknown trainer'}, not by {trainer}")
        return given, policy
    cards = sorted(runs_folder().glob("*/policy/policy.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for card in cards:
        policy = Policy.load(card)
        if problem in ("", policy.problem) and trainer in ("", _trainer(policy)):
            return card.parent.parent, policy
    return None


def _trainer(policy: Policy) -> str:
    return str(policy.provenance.get("trainer", ""))
