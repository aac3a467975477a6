"""Time that the exact solver takes for each shipped graph, beside what annealing and list scheduling find in theirs.

python bench/streaming_solvers.py

About a minute. Seconds are of the clock and, beside it, of the processor; one thread. The searches stop early where the
bound that the graph itself gives shows that nothing is faster; "reached" is when they found the best that they found.
"""

from __future__ import annotations

import time

import numpy as np
from report import Bar, report
from rich.console import Console
from rich.table import Table

from rllib_envs.streaming_engine.exact_model import cp_sat
from rllib_envs.streaming_engine.solved import Solved
from rllib_envs.streaming_engine.solvers import SOLVERS
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite

LIMIT = 30
"""Seconds for an optimum, or a proof that there is none."""
SEARCH = 5
"""Seconds for each of the searches."""


def described(solved: Solved, cpu: float) -> tuple[str, str, str, str, str]:
    """Answer, lower bound, seconds until the answer, by clock and processor, and until the mapping was found."""
    reached = f"{solved.curve[-1][0]:.2f}" if solved.curve else ""
    if solved.infeasible:
        answer = "infeasible: " + "; ".join(" + ".join(conflict.rules) for conflict in solved.conflicts)
    else:
        answer = f"{solved.makespan or 'nothing'}{' (optimal)' if solved.proven else ''}"
    return answer, "" if solved.infeasible else str(solved.lower_bound), f"{solved.seconds:.2f}", f"{cpu:.2f}", reached


def main() -> None:
    cp_sat()  # importing it takes a second or two, once
    table = Table(title="answers", title_justify="left")
    for column in ("graph", "solver", "cycles", "bound", "seconds", "CPU", "reached"):
        table.add_column(column)
    bars = {}
    for suite in ("streaming_engine", "streaming_engine_infeasible"):
        for benchmark in Suite.load(suite).benchmarks:
            task = Task.from_benchmark(benchmark)
            answers = {}
            for name, solve in SOLVERS.items():
                began = time.process_time()
                answers[name] = solve(task, LIMIT if name == "cp_sat" else SEARCH, np.random.default_rng(0))
                table.add_row(benchmark.name, name, *described(answers[name], time.process_time() - began))
            exact = answers["cp_sat"]
            bars[f"{benchmark.name}: optimum or proof"] = Bar(
                exact.seconds if exact.proven else 2 * LIMIT, LIMIT, "s", at_least=False
            )
            if exact.proven and exact.makespan and answers["annealing"].makespan:
                gap = answers["annealing"].makespan / exact.makespan - 1
                bars[f"{benchmark.name}: annealing, {SEARCH} s"] = Bar(100 * gap, 0, "% above", at_least=False)
    Console().print(table)
    report("streaming_solvers", bars)


if __name__ == "__main__":
    main()
