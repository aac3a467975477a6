"""How numbers are written for people, the same in the terminal and on the page."""

from __future__ import annotations

import math
from collections import Counter

from eval.comparison import Comparison
from eval.statistics import Duel, Interval

MISSING = "-"
MEANS = "Geometric means over benchmarks, with 95 % bootstrap intervals; every answer was measured anew."


def number(value: float, digits: int = 3) -> str:
    """So many significant digits, without an exponent up to a million: `0.0712`, `3.10`, `214`, `12,400`."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    rounded = f"{value:.{digits - 1}e}"
    magnitude = int(rounded.partition("e")[2])
    return f"{float(rounded):,.{max(0, digits - 1 - magnitude)}f}" if -4 <= magnitude < 6 else rounded


def times(ratio: float) -> str:
    """A ratio: `3.14x`."""
    return f"{number(ratio)}x" if math.isfinite(ratio) else MISSING


def interval(of: Interval) -> str:
    """A mean with its interval: `3.14x (2.80-3.55)`."""
    if not math.isfinite(of.low):
        return times(of.mean)
    return f"{times(of.mean)} ({number(of.low)}-{number(of.high)})"


def seconds(value: float) -> str:
    """A duration in a unit that suits it."""
    if not value > 0:
        return MISSING
    return f"{number(value * 1e3)} ms" if value < 1 else f"{number(value)} s"


def score(of: Duel) -> str:
    """Wins, ties and losses: `9 won, 1 tied, 2 lost`."""
    return f"{of.wins} won, {of.ties} tied, {of.losses} lost"


def opponents(comparison: Comparison) -> list[str]:
    """Whom the policy is set against, one by one; nobody where no policy took part."""
    rivals = comparison.measurable().contestants
    return [name for name in rivals if name != "policy" and "policy" in comparison.methods]


def setting(comparison: Comparison) -> str:
    """What was compared on what budget, in one sentence."""
    benchmarks, seeds = len(comparison.benchmarks), len(comparison.seeds)
    return (
        f"{benchmarks} benchmark{'s' * (benchmarks != 1)} of {comparison.problem}, "
        f"{seeds} seed{'s' * (seeds != 1)}, budget {comparison.budget} for each search"
    )


def baselines(comparison: Comparison) -> list[str]:
    """What was called and how it was tuned, a line for each baseline that says so."""
    lines = []
    for name in comparison.baselines:
        told = list(dict.fromkeys(row.how.partition(";")[0] for row in comparison.of(name) if row.how))
        if told:
            lines.append(f"{name}: {told[0]}{', and the like on other benchmarks' * (len(told) > 1)}.")
    return lines


def _without_value(comparison: Comparison) -> list[str]:
    """The reasons why baselines have no value, each with the number of benchmarks where it is so."""
    reasons = Counter((row.method, row.error) for row in comparison.rows if row.error and row.seed is None)
    return [
        f"{name} has no value on {count} benchmark{'s' * (count != 1)}: {reason}"
        for (name, reason), count in reasons.items()
    ]


def exceptions(comparison: Comparison) -> list[str]:
    """What a reader must know before taking the figures at face value."""
    notes = [
        f"{name} has its own budget: {multiple:g} times the seconds of the policy on the same benchmark."
        for name, multiple in comparison.policy_multiples.items()
    ]
    if comparison.interrupted:
        notes.append("Ended early: only benchmarks that every method had finished are shown.")
    notes += _without_value(comparison)
    failed = sum(1 for row in comparison.rows if row.error and row.seed is not None)
    if failed:
        notes.append(f"{failed} answers were lost, or failed when they were measured anew, and count as untuned.")
    unknown = sum(1 for start in comparison.starts().values() if not (math.isfinite(start) and start > 0))
    if unknown:
        notes.append(f"{unknown} benchmarks have no positive untuned value and no speedup.")
    return notes
