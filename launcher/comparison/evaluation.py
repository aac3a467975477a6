"""Prove a policy on benchmarks: the comparison, its report, and the summary in the terminal."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from eval.budget import Budget
from eval.compare import carry_out
from eval.comparison import Comparison
from eval.graph_files import GRAPHS, read_graphs
from eval.journal import JOURNAL, Journal
from eval.journal_lines import SEARCH
from eval.plan import MakeBaselines, Plan, own_baselines
from eval.report import require_packages, write_report
from eval.setting import setting_of
from eval.summary import print_summary
from eval.workers.claims import check_workers, claimed_cores
from launcher.comparison.bar import ComparisonBar
from launcher.folders import problem_for
from models.policy import Policy
from models.store.atomic import NotWritten
from rllib_envs.problem import Problem
from rllib_envs.suite import Suite

METHODS = ("policy", "greedy1", "greedy2", "random")


@dataclass(frozen=True)
class Proof:
    """A policy, what it is set against, and on what."""

    policy: Policy | None
    """None where searches and baselines are compared alone."""
    suites: Mapping[str, Suite]
    """The benchmarks of each split, such as "test"."""
    plan: Plan
    backend: str = ""
    """What compiles loop nests; the policy's own choice when empty."""

    @classmethod
    def of(
        cls,
        policy: Policy | None,
        suites: Mapping[str, Suite],
        budget: Budget,
        methods: Sequence[str] = METHODS,
        *,
        seeds: int = 1,
        horizon: int | None = None,
        backend: str = "",
        baselines: MakeBaselines = own_baselines,
        graphs: bool = False,
    ) -> Proof:
        """Raises UserError for what can't be compared."""
        splits = {benchmark.name: split for split, suite in suites.items() for benchmark in suite.benchmarks}
        plan = Plan.make(
            [benchmark for suite in suites.values() for benchmark in suite.benchmarks],
            methods,
            budget,
            range(seeds),
            policy,
            horizon=horizon or (policy.horizon if policy else None),
            baselines=baselines,
            graphs=graphs,
            splits=splits if len(suites) > 1 else None,
            suite=next(iter(suites.values())).name.partition(":")[0],  # without the part and the sample
        )
        return cls(policy, suites, plan, backend)

    def problem(self) -> Problem[Any]:
        """To be closed after use."""
        return problem_for(next(iter(self.suites.values())).problem, self.policy, self.backend)

    def setting(self) -> dict[str, str]:
        """All that the result depends on."""
        with closing(self.problem()) as problem:
            return setting_of(problem, self.plan, self.policy.digest if self.policy else "")


def prove(
    proof: Proof, folder: Path, *, workers: int | None = None, command: str = "", afresh: bool = False
) -> Comparison:
    """Carry out a comparison in `folder`, or what is left of it there, and write the report.

    Shows progress while it runs, and prints the summary. After an interrupt the report has what is complete; then
    KeyboardInterrupt is raised.

    Args:
        workers: processes; one for each free core by default, and with 0 everything happens in this one.
        command: what the report says that made it; this process's own unless given.
        afresh: a comparison under other conditions in the folder makes room for this one instead of being refused.
    """
    require_packages()
    console = Console()
    with closing(proof.problem()) as problem:
        # before anything is written
        proof.plan.check_benchmarks(problem)
        if workers:
            check_workers(workers)
        with Journal(folder, proof.setting(), replace=afresh) as journal, _cores(workers) as cores:
            known = sum(line.get("kind") == SEARCH for line in journal.lines)
            if known:
                print(f"going on in {folder}: {known} searches are done already", flush=True)
            graphs = folder / GRAPHS if proof.plan.graphs else None
            with ComparisonBar(console) as bar:
                comparison = carry_out(problem, proof.plan, cores=cores, journal=journal, graphs=graphs, progress=bar)
        where = f"{len(cores)}, each on a physical core of its own" if cores else "none; all in one process"
    details = {
        "suite": ", ".join(suite.name for suite in proof.suites.values()),
        "suite SHA-256": ", ".join(suite.hash for suite in proof.suites.values()),
        "workers": where,
    }
    if proof.policy:
        details["policy trained on"] = str(proof.policy.provenance.get("suite", "unknown"))
    command = command or shlex.join(["tunewright", *sys.argv[1:]])
    with _room_for_report(folder):
        drawn = read_graphs(folder / GRAPHS) if proof.plan.graphs else None
        page = write_report(comparison, folder, command=command, details=details, graphs=drawn)
    for split, part in comparison.parts().items():
        if split:
            print(f"\n{split}: {proof.suites[split].name}")
        print_summary(part, console)
    print(f"report: {page}")
    if comparison.interrupted:
        raise KeyboardInterrupt
    return comparison


@contextmanager
def _cores(workers: int | None) -> Iterator[list[frozenset[int]]]:
    if workers == 0:
        yield []
        return
    with claimed_cores(workers) as (cores, shared):
        if shared:
            print(
                f"warning: another comparison uses {shared} of the {len(cores)} cores that this one needs; both will "
                "find less in their time",
                file=sys.stderr,
            )
        yield cores


@contextmanager
def _room_for_report(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotWritten(
            f"the report in {folder} can't be written: {error.strerror or error}. All that was measured is in "
            f"{JOURNAL}; make room, and start again"
        ) from None
