"""A contest as text: each kernel with its losses, and each tuner over all."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.table import Table

from eval.kernel_tuners.contest import Result
from eval.kernel_tuners.verdict import area, ceilings, final, overhead_ms, repeated_percent, verdict


def methods_of(results: Sequence[Result]) -> list[str]:
    """The contestants, in the order in which they came."""
    return list(dict.fromkeys(result.method for result in results))


def kernel_table(results: Sequence[Result], base: str) -> Table:
    """Each kernel's geometric mean area over seeds, as a multiple of `base`'s, and what it could be at most."""
    methods = methods_of(results)
    table = Table(title=f"area under the best-so-far curve, as a multiple of {base}'s", title_justify="left")
    table.add_column("kernel")
    for method in methods:
        table.add_column(method, justify="right")
    table.add_column("ceiling", justify="right")
    found = {method: verdict(results, method, base).by_kernel for method in methods}
    found["ceiling"] = ceilings(results, base)
    for kernel in dict.fromkeys(result.kernel for result in results):
        table.add_row(kernel, *(f"{one.get(kernel, float('nan')):.3f}" for one in found.values()))
    return table


def method_table(results: Sequence[Result], base: str) -> Table:
    """Each tuner over all kernels."""
    table = Table(title=f"all kernels; W-T-L: runs won, tied, lost against {base}", title_justify="left")
    for column in ("tuner", f"area vs {base}", "95 % over seeds", "final", "W-T-L", "repeated", "ms/trial"):
        table.add_column(column, justify="left" if column == "tuner" else "right")
    for method in methods_of(results):
        areas, finals = verdict(results, method, base, area), verdict(results, method, base, final)
        low, high = areas.over_seeds.low, areas.over_seeds.high
        table.add_row(
            method,
            f"{areas.over_kernels.mean:.3f}",
            f"{low:.3f} to {high:.3f}" if math.isfinite(low) else "too few seeds",
            f"{finals.over_kernels.mean:.3f}",
            f"{areas.wins}-{areas.ties}-{areas.losses}",
            f"{repeated_percent(results, method):.0f} %",
            f"{overhead_ms(results, method):.2f}",
        )
    return table
