"""The figures of a report, by the name of the file that each is written to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from eval.comparison import Comparison
from eval.report.figures.anytime import anytime_evaluations, anytime_seconds
from eval.report.figures.bars import bars
from eval.report.figures.headline import headline
from eval.report.figures.shares import fast_share, profile
from eval.report.figures.style import Frame
from eval.report.figures.violins import violins
from eval.statistics import Summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawing = Callable[[Comparison, Frame], "Figure"]

WITHOUT_LEGEND = ("summary", "bars", "violin")
"""Figures that have the name of each method beside what is drawn of it."""


def drawings(summaries: Sequence[Summary], references: Sequence[str]) -> dict[str, Drawing]:
    """Every figure; `fast_p` over the untuned state and over each of `references`, which are baselines."""
    over = {f"fast_p_{name}": partial(fast_share, baseline=name) for name in references}
    return {
        "summary": partial(headline, summaries=summaries),
        "bars": partial(bars, summaries=summaries),
        "violin": partial(violins, summaries=summaries),
        "anytime_seconds": anytime_seconds,
        "anytime_evaluations": anytime_evaluations,
        "performance_profile": profile,
        "fast_p_untuned": fast_share,
        **over,
    }
