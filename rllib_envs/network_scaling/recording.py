"""Train what a table of accuracies lacks. It may be interrupted, and several processes may do it together."""

from __future__ import annotations

from collections.abc import Callable

from rllib_envs.network_scaling.accuracy_table import AccuracyTable
from rllib_envs.network_scaling.results import Candidate, Results
from rllib_envs.problem import Evaluation

Report = Callable[[int, int], None]
"""Is told how many trainings are done, and of how many."""


def record_table(table: AccuracyTable, train: Callable[[Candidate], Evaluation], report: Report) -> None:
    """Candidates that somebody else is training are left to him, and waited for in the end."""
    results, wanted = Results(table.records), list(table.candidates())
    left = [candidate for candidate in wanted if results.find(candidate) is None]
    report(len(wanted) - len(left), len(wanted))
    taken = []
    for number, candidate in enumerate(left, 1):
        if not results.train_unless_taken(candidate, train):
            taken.append(candidate)
        report(len(wanted) - len(left) + number - len(taken), len(wanted))
    for candidate in taken:
        results.find_or_train(candidate, train)
    report(len(wanted), len(wanted))
