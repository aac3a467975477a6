"""`tunewright compare`: a policy against searches and baselines on equal budgets, with a report."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from eval.baselines import Baselines
from eval.baselines.limits import SECONDS, TRIALS, TuningLimits
from launcher.evaluation import METHODS, prove
from launcher.folders import find_policy, problem_of, runs_folder
from rllib_envs.errors import UserError
from rllib_envs.suite import Suite


@dataclass(frozen=True)
class CompareConfig:
    """Compare a policy with searches and baselines on a suite, and write a report."""

    dataset: str
    """Suite of benchmarks: a name under datasets/ or the path of a folder."""
    policy: Path | None = None
    """Policy folder or run directory; the newest run here when not given."""
    searches: str = ",".join(METHODS)
    """Methods to compare, by name."""
    size: int = 25
    """Benchmarks to compare on, drawn from the suite."""
    held_out: bool = True
    """Draw from those that the policy's training did not see, where it was trained on the same suite."""
    timeout: float = 1.0
    """Seconds that each method may spend on a benchmark."""
    seeds: int = 1
    """How often each method is run on each benchmark."""
    baselines: str = ""
    """What else to measure, by name: numpy, torch, tvm, tvm_tiled, tvm_metaschedule and loop_tool for loop nests, or
    all. Empty: the first four, which are quickly compiled."""
    tvm_trials: int = TRIALS
    """Schedules that TVM's MetaSchedule may try on a benchmark,"""
    tvm_seconds: float = SECONDS
    """and the time that it may take. What it has found is kept among the runs, and not searched for again."""
    backend: str = ""
    """Loop nests: what compiles them (avx512, avx2 or llvm). Empty: the first of these that works here."""
    out: Path | None = None
    """Folder for the report; it must not exist yet. Default: a new folder next to the policy."""
    debug: bool = False
    """Show the traceback of an error."""


def run_compare(config: CompareConfig) -> None:
    suite = Suite.load(config.dataset)
    path, policy = find_policy(config.policy, suite.problem)
    if config.seeds < 1:
        raise UserError(f"--seeds is {config.seeds}; it must be at least 1")
    if config.held_out and policy.provenance.get("suite_hash") == suite.hash:
        suite = Suite.select({**policy.provenance["env"], "suite": config.dataset, "split": "test"})
    home = path if path.is_dir() else path.parent
    out = config.out or home / f"comparison-{datetime.now():%Y%m%d-%H%M%S}"
    if out.exists():
        raise UserError(f"{out} exists already; choose another --out or remove it")
    limits = TuningLimits(config.tvm_trials, config.tvm_seconds, runs_folder() / "metaschedule")
    with closing(problem_of(policy, config.backend)) as problem:
        baselines = Baselines.parse(config.baselines, problem, limits)
    methods = [name.strip() for name in config.searches.split(",") if name.strip()]
    chosen = suite.sample(config.size)
    prove(policy, chosen, config.timeout, out, methods, config.seeds, config.backend, baselines=baselines)
