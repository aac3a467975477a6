"""`tunewright tune streaming_engine graph.json`: a mapping, verified and as good as can be, or why there is none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from eval.policy_mapping import problem_for
from eval.policy_mapping import solve as solve_by_policy
from launcher.folders import choose_policy
from launcher.mapping.answer import check_output, show_answer, write_answer
from rllib_envs.errors import MissingPackage
from rllib_envs.streaming_engine import annealing, exact
from rllib_envs.streaming_engine.solved import Solved
from rllib_envs.streaming_engine.task import PROBLEM, Task

SEARCH_SHARE = 0.3
"""Of the time: for the policy and annealing. CP-SAT has the rest, to prove the answer or to better it."""


def tune_mapping(task: Task, given: Path | None, seconds: float, seed: int = 0) -> Solved:
    """The best mapping that policy, annealing and CP-SAT find together, or the rules that forbid one.

    Annealing and CP-SAT alone where there is no policy, or where it was not made for such a task: UserError if it was
    `given` then.
    """
    rng, searching = np.random.default_rng(seed), SEARCH_SHARE * seconds
    found, how = choose_policy(given, PROBLEM, lambda policy: problem_for(policy, task))
    if found is not None:
        solved = solve_by_policy(found.policy, task, searching, rng, polish=True)
        print(f"{how}, and annealing: {_said(solved)}")
    else:
        solved = annealing.solve(task, searching, rng)
        print(f"{how}; annealing: {_said(solved)}")
    if solved.proven and solved.mapping is not None:
        return solved
    try:
        proved = exact.solve(task, (1 - SEARCH_SHARE) * seconds, rng, start=solved.mapping)
    except MissingPackage as error:
        print(f"{error}: this answer is without a proof by CP-SAT")
        return solved
    print(f"CP-SAT: {_said(proved)}")
    better = proved.mapping is not None or proved.infeasible
    return proved if better else replace(solved, lower_bound=max(solved.lower_bound, proved.lower_bound))


def _said(solved: Solved) -> str:
    answer = "infeasible" if solved.infeasible else f"{solved.makespan} cycles" if solved.mapping else "nothing"
    return f"{answer} in {solved.seconds:.2f} s"


def run_tune_mapping(name: str, task: Task, policy: Path | None, seconds: float, emit: Path | None) -> None:
    """Tune, print the answer, and write it where that is asked for."""
    check_output(emit)
    rows, columns, spokes = task.device.rows, task.device.columns, task.device.spokes
    print(
        f"{name}: {len(task.graph)} nodes, {len(task.graph.edges)} edges on {rows}x{columns} tiles of {spokes} spokes"
    )
    solved = tune_mapping(task, policy, seconds)
    show_answer(task, solved)
    if emit:
        write_answer(emit, task, solved)
