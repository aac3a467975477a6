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


def problem_of(policy: Policy, backend: str) -> Problem[Any]:
    """The problem that a policy was trained on, with another backend where one is named."""
    return make_problem(policy.problem, {**policy.problem_config, **({"backend": backend} if backend else {})})


def find_policy(given: Path | None, problem: str) -> tuple[Path, Policy]:
    """The policy at a path, or the newest one for `problem` among the runs. UserError when there is none."""
    if given is not None:
        policy = Policy.load(given)
        if policy.problem != problem:
            raise UserError(f"{given} is a policy for problem {policy.problem!r}, not for {problem!r}")
        return given, policy
    cards = sorted(runs_folder().glob("*/policy/policy.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for card in cards:
        policy = Policy.load(card)
        if policy.problem == problem:
            return card.parent.parent, policy
    raise UserError(f"no policy for {problem!r} in {runs_folder()}/; train one, or name one with --policy")
