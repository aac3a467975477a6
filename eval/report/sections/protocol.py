"""How the figures came about, for who wants to trust or to repeat them."""

from __future__ import annotations

import json
import math

import numpy as np

from eval import wording
from eval.comparison import Comparison
from eval.statistics import CONFIDENCE, RESAMPLES, TIE


def protocol(comparison: Comparison) -> list[str]:
    spreads = [row.spread for row in comparison.rows if math.isfinite(row.spread)]
    spread = f"{np.median(spreads):.1%}" if spreads else "unknown"
    seeds = ", ".join(map(str, comparison.seeds))
    return [
        f"Each search had {comparison.budget} on each benchmark for all that it does: measuring, compiling, inference "
        "and its own bookkeeping. An evaluation that was begun in time counts.",
        "Each search began with an empty cache and evaluated the untuned state on its own time. Starting processes "
        "and a first call of the policy came before, and were charged to nobody.",
        f"Methods took turns on each benchmark, in an order shuffled by seed. Seeds: {seeds}.",
        f"Each answer, the untuned state and the baselines were then measured anew in {comparison.rounds} rounds in "
        "random order, and the middle value is reported, so a lucky measurement decides nothing. "
        f"Between the rounds, values differed by {spread} (median).",
        "The same solution found twice is measured as one. An answer that fails when measured anew counts as untuned, "
        "and in fast_p as not fast at all.",
        *wording.baselines(comparison),
        f"Value: {comparison.unit}, {comparison.how or 'as the problem defines it'}.",
        f"Intervals of geometric means: {CONFIDENCE:.0%} percentile bootstrap over benchmarks with {RESAMPLES:,} "
        "draws; seeds are averaged first. They say nothing of other benchmarks than such as these.",
        f"Intervals of interquartile means: {CONFIDENCE:.0%} stratified bootstrap over the seeds of each benchmark "
        "(Agarwal et al. 2021), from three seeds on. They say nothing of other benchmarks at all.",
        f"Values within {TIE:.0%} of each other count as tied.",
        "Performance profile: Dolan and Moré 2002. fast_p: the share of benchmarks with a correct answer that is more "
        "than p times as good as the baseline (Ouyang et al. 2025).",
        f"Problem configuration: {json.dumps(dict(comparison.problem_config), sort_keys=True)}",
    ]
