"""What can be said of many benchmarks at once, with its uncertainty."""

from eval.statistics.duels import Duel, Record, duel, records
from eval.statistics.intervals import CONFIDENCE, RESAMPLES, Interval, geomean_interval, iqm_interval
from eval.statistics.profiles import Reached, fast_p, performance_profile
from eval.statistics.ratios import TIE, by_benchmark, speedups
from eval.statistics.summaries import Summary, summarise

__all__ = [
    "CONFIDENCE",
    "RESAMPLES",
    "TIE",
    "Duel",
    "Interval",
    "Reached",
    "Record",
    "Summary",
    "by_benchmark",
    "duel",
    "fast_p",
    "geomean_interval",
    "iqm_interval",
    "performance_profile",
    "records",
    "speedups",
    "summarise",
]
