"""Prove a policy on held-out benchmarks: the comparison, its report, and the summary in the terminal."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from eval.baselines import Baselines
from eval.budget import Budget
from eval.compare import Progress as SearchEnded
from eval.compare import compare
from eval.comparison import Comparison
from eval.report import require_matplotlib, write_report
from eval.searches import make_search
from eval.summary import print_summary
from launcher.folders import problem_of
from models.policy import Policy
from rllib_envs.suite import Suite

METHODS = ("policy", "greedy1", "greedy2", "random")


def prove(
    policy: Policy,
    suite: Suite,
    seconds: float,
    folder: Path,
    methods: Sequence[str] = METHODS,
    seeds: int = 1,
    backend: str = "",
    command: str = "",
    baselines: Baselines | None = None,
) -> Comparison:
    """Compare `policy` with searches on every benchmark of `suite`, `seconds` for each method on each.

    Writes the report into `folder`, shows progress while it runs, and prints the summary. `command` is what the report
    says that made it; this process's own unless given. Without `baselines` they are the problem's own.
    """
    require_matplotlib()
    budget = Budget(seconds=seconds)
    for name in methods:
        make_search(name, policy)  # refuses an unknown one before anything is run
    problem = problem_of(policy, backend)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console()
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("comparing", total=None)

            def show(ended: SearchEnded) -> None:
                where = f"{ended.benchmark} {ended.method}"
                bar.update(task, completed=ended.done, total=ended.total, description=where)

            comparison = compare(
                problem,
                suite.benchmarks,
                methods,
                budget,
                range(seeds),
                policy,
                show,
                horizon=policy.horizon,
                baselines=baselines(problem) if baselines else None,
            )
    finally:
        problem.close()
    details = {"suite": suite.name, "suite SHA-256": suite.hash, "policy trained on": str(policy.provenance["suite"])}
    command = command or shlex.join(["tunewright", *sys.argv[1:]])
    page = write_report(comparison, folder, command=command, details=details)
    print_summary(comparison, console)
    print(f"report: {page}")
    return comparison
