"""`tunewright compare`: a policy against searches and baselines on equal budgets, with a report."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.baselines import Baselines
from eval.baselines.limits import SECONDS, SOLVER_SECONDS, TRIALS, TuningLimits
from eval.budget import Budget
from eval.searches import POLICY_SEARCHES, search_name
from launcher.comparison.evaluation import METHODS, Proof, prove
from launcher.comparison.folder import comparison_folder
from launcher.fetched_policy import fetch_policy
from launcher.folders import find_policy, policy_if_any, problem_for, runs_folder
from launcher.options import at_least
from models.interrupts import EXIT_CODE, Interrupts
from models.policy import Policy
from models.shipped import shipped_policies
from models.trainers.registry import trainer_name
from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.registry import PROBLEMS
from rllib_envs.suite import Suite

DEFAULT_SECONDS = 1.0
SPLITS = ("test", "train")


@dataclass(frozen=True)
class CompareConfig:
    """Compare a policy with searches and baselines on a suite, and write a report. Searches that need no policy are
    compared alone where there is none. The same command goes on with what was interrupted."""

    dataset: str = ""
    """Suite of benchmarks: a name under datasets/ or the path of a folder. Empty: what the policy was trained on."""
    problem: str = ""
    """The problem that the policy and the suite must be of, such as streaming_engine. Empty: whatever they are of."""
    policy: Path | None = None
    """Policy folder or run directory; the newest run here when not given."""
    wandb_url: str = ""
    """The same for a run at Weights & Biases: entity/project/run_id, its page's address, or a checkpoint artifact."""
    trainer: str = ""
    """Only a policy of this trainer, such as dqn.ApexTrainer."""
    searches: tuple[str, ...] = METHODS
    """Methods to compare, by name, with spaces or commas between them. The policy's: policy (its best actions),
    policy_sampled, policy_beam. Others: greedy1, greedy2 (by look-ahead), beam2, beam4, beam2dfs, beam4dfs (by width;
    breadth first unless dfs), random, hill_climbing, annealing, genetic, cma_es."""
    split: tuple[str, ...] = ("test",)
    """test: benchmarks that the policy's training did not see. train: those that it saw. Both are reported apart."""
    size: int = 25
    """Benchmarks to compare on, drawn from each split."""
    timeout: float | None = None
    """Seconds that each method may spend on a benchmark; 1 unless --evaluations is given."""
    evaluations: int | None = None
    """Evaluations that each method may spend on a benchmark."""
    steps: int | None = None
    """Actions that lead to an answer at most; as in the policy's training when not given."""
    seeds: int = 3
    """How often each method is run on each benchmark."""
    workers: int | None = None
    """Processes, each on a physical core of its own; one for each free core when not given. 0 does everything in this
    process, to look for a fault."""
    baselines: str = ""
    """What else to measure, by name: numpy, torch, tvm, tvm_tiled, tvm_metaschedule and loop_tool for loop nests, or
    all. Empty: the first four, which are quickly compiled. For streaming_engine list_scheduling and
    annealing_solver, and with all cp_sat and cma_es_solver; each of these has as many seconds as a search."""
    tvm_trials: int = TRIALS
    """Schedules that TVM's MetaSchedule may try on a benchmark,"""
    tvm_seconds: float = SECONDS
    """and the time that it may take. What it has found is kept among the runs, and not searched for again."""
    backend: str = ""
    """Loop nests: what compiles them (avx512, avx2 or llvm). Empty: the first of these that works here."""
    out: Path | None = None
    """Folder for the report; a new one next to the policy when not given. What is there of the same comparison is not
    measured again."""
    debug: bool = False
    """Record each search as a graph, and show the traceback of an error."""

    @property
    def budget(self) -> Budget:
        seconds = DEFAULT_SECONDS if self.timeout is None and self.evaluations is None else self.timeout
        return Budget(seconds, self.evaluations)

    def check(self) -> None:
        """Refuse what can't work before anything is read."""
        at_least(("--size", self.size, 1), ("--seeds", self.seeds, 1), ("--workers", self.workers or 0, 0))
        if self.steps is not None:
            at_least(("--steps", self.steps, 1))
        if self.policy is not None and self.wandb_url:
            raise UserError("--policy and --wandb_url both name a policy; leave one of them out")
        for split in _names(self.split):
            choose(split, SPLITS, "split")


def run_compare(config: CompareConfig) -> None:
    config.check()
    budget = config.budget
    problem = choose(config.problem, PROBLEMS, "problem") if config.problem else ""
    if config.dataset:
        suite = Suite.load(config.dataset)
        if problem not in ("", suite.problem):
            raise UserError(f"data set {suite.name} is of problem {suite.problem!r}, not {problem!r}")
        problem = suite.problem
    path, policy = policy_for(problem, config)
    limits = TuningLimits(
        config.tvm_trials,
        config.tvm_seconds,
        solver_seconds=budget.seconds or SOLVER_SECONDS,
        folder=runs_folder() / "metaschedule",
    )
    with closing(problem_for(policy.problem if policy else problem, policy, config.backend)) as made:
        baselines = Baselines.parse(config.baselines, made, limits)
    proof = Proof.of(
        policy,
        chosen_suites(policy, config),
        budget,
        _names(config.searches),
        seeds=config.seeds,
        horizon=config.steps,
        backend=config.backend,
        baselines=baselines,
        graphs=config.debug,
    )
    folder = comparison_folder(config.out, path, proof)
    with Interrupts():
        try:
            prove(proof, folder, workers=config.workers)
        except KeyboardInterrupt:
            print(f"interrupted: {folder} has what was measured; the same command goes on from there", file=sys.stderr)
            raise SystemExit(EXIT_CODE) from None


def policy_for(problem: str, config: CompareConfig) -> tuple[Path, Policy | None]:
    """The policy to compare, behind the folder for comparisons: its own, or that of runs for one that is shipped.

    None where there is no policy and none is needed.
    """
    trainer = trainer_name(config.trainer) if config.trainer else ""
    methods = {search_name(method) for method in _names(config.searches)}
    needed = trainer or not config.dataset or methods & POLICY_SEARCHES.keys()
    given = fetch_policy(config.wandb_url) if config.wandb_url else config.policy
    found = (find_policy if needed else policy_if_any)(given, problem, trainer)
    if found is None:
        print(f"no policy for {problem} here: searches and baselines alone", flush=True)
        return runs_folder(), None
    path, policy = found
    if path in shipped_policies(policy.problem):
        return runs_folder(), policy
    return path if path.is_dir() else path.parent, policy


def chosen_suites(policy: Policy | None, config: CompareConfig) -> dict[str, Suite]:
    """The benchmarks of each split that is asked for. Of another suite than the policy's own, all are test but those
    that it was trained on, too; without a policy, all."""
    origin = policy.provenance if policy else {}
    seen = origin.get("env", {})
    dataset = config.dataset or str(seen.get("suite", ""))
    if not dataset:
        raise UserError("the policy doesn't say what it was trained on; name a suite with --dataset")
    suite, splits = Suite.load(dataset), list(dict.fromkeys(_names(config.split)))
    if origin.get("suite_hash") == suite.hash and seen.get("split") == "all" and "test" in splits:
        raise UserError(f"the policy was trained on every benchmark of {suite.name}; name another --dataset")
    if origin.get("suite_hash") == suite.hash:
        parts = {split: Suite.select({**seen, "suite": dataset, "split": split}) for split in splits}
    elif not config.dataset:
        raise UserError(
            f"data set {dataset} is not what it was when the policy was trained on it; name it with --dataset to "
            "compare on all of it"
        )
    elif "train" in splits:
        raise UserError(f"no policy was trained on {dataset}; leave out --split to compare on all of it")
    else:
        parts = {"test": unseen(suite, origin)}
    return {split: part.sample(config.size) for split, part in parts.items()}


def unseen(suite: Suite, origin: Mapping[str, Any]) -> Suite:
    """A suite without what a policy of this provenance was trained on.

    That can be known only where its own suite is still here. UserError where nothing is left.
    """
    seen = origin.get("env", {})
    try:
        own = Suite.load(seen["suite"])
        known = own.hash == origin.get("suite_hash")
        trained_on = Suite.select(seen).benchmarks if known else ()
    except (KeyError, UserError):
        return suite
    specs = {json.dumps(benchmark.spec, sort_keys=True) for benchmark in trained_on}
    left = tuple(each for each in suite.benchmarks if json.dumps(each.spec, sort_keys=True) not in specs)
    if not left:
        raise UserError(f"the policy was trained on every benchmark of {suite.name}; name another --dataset")
    return suite if len(left) == len(suite.benchmarks) else Suite(f"{suite.name}:unseen", left)


def _names(given: Iterable[str]) -> list[str]:
    """With spaces or commas between them."""
    return [name for text in given for name in text.replace(",", " ").split()]
