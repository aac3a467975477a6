"""`tunewright replay`: what a policy does on one benchmark, step by step, and whether its answer holds."""

from __future__ import annotations

import json
import sys
from contextlib import closing, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from eval.plan import check_benchmark
from eval.replay import replay
from eval.verification import verify
from launcher.fetched_policy import fetch_policy
from launcher.folders import find_policy, problem_for
from launcher.options import at_least
from launcher.replay_output import as_json, show
from launcher.tracking.reference import is_reference
from models.policy import CARD
from models.store.run_directory import RunDirectory
from rllib_envs.suite import read_benchmark


@dataclass(frozen=True)
class ReplayConfig:
    """Show what a policy does on one benchmark step by step, what it thought of it, and what was measured; then verify
    its answer."""

    bench: Path
    """The benchmark's file, such as those under datasets/."""
    policy: Annotated[str, tyro.conf.Positional] = ""
    """Run directory, policy folder, or a run at Weights & Biases: entity/project/run_id, its page's address, or a
    checkpoint artifact. The newest run here when not given."""
    steps: int | None = None
    """Actions at most; as in the policy's training when not given."""
    likeliest: int = 3
    """How many actions to show of each step, with their probabilities."""
    backend: str = ""
    """Loop nests: what compiles them (avx512, avx2 or llvm). Empty: the first of these that works here."""
    json: bool = False
    """One JSON object instead, with the probabilities of all actions."""
    debug: bool = False
    """Show the traceback of an error."""

    def check(self) -> None:
        """Refuse what can't work before anything is read."""
        at_least(("--likeliest", self.likeliest, 1))
        if self.steps is not None:
            at_least(("--steps", self.steps, 1))


def run_replay(config: ReplayConfig) -> None:
    config.check()
    benchmark = read_benchmark(config.bench)
    with redirect_stdout(sys.stderr):  # what fetching says is no part of the answer
        given = policy_folder(config.policy) if config.policy else None
    place, policy = find_policy(given, benchmark.problem)
    with closing(problem_for(policy.problem, policy, config.backend)) as problem:
        check_benchmark(problem, benchmark)
        played = replay(policy, problem, benchmark, config.steps or policy.horizon)
        verified = verify(problem, benchmark, played.best.state)
        if config.json:
            print(json.dumps(as_json(place, policy, problem, played, verified), indent=2, allow_nan=False))
        else:
            show(place, policy, problem, played, verified, config.likeliest)
        verified.check()


def policy_folder(given: str) -> Path:
    """Where the policy is that a person means; fetched, or made of a run's newest checkpoint, where there is none yet.

    UserError where there is nothing of it.
    """
    path = Path(given)
    without = RunDirectory.exists(path) and not (RunDirectory(path).policy / CARD).exists()
    elsewhere = is_reference(given) and not path.exists()
    return fetch_policy(given) if without or elsewhere else path
