"""A contest kept for the documentation: each kernel's best, how soon a tuner came to it, and the curves."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval import wording
from eval.kernel_tuners.contest import Result
from eval.kernel_tuners.figures import convergence
from eval.kernel_tuners.verdict import final, trials_to_reach, verdict
from eval.report.figures.style import STYLE
from eval.report.figures.svg import write_png
from rllib_envs.errors import UserError

MEANS = """\
Geometric means over seeds, with a 95 % bootstrap interval over kernels in the last line. Trials: the median over seeds
of those that a tuner needed for what the first one handed out in the end, within 1 %."""


@dataclass(frozen=True)
class ContestRecord:
    """Tuners on the same kernels with the same seeds, the others beside the first."""

    title: str
    when: str
    contest: str
    """Under which conditions."""
    results: tuple[Result, ...]

    @classmethod
    def of_lines(cls, head: Mapping[str, Any], lines: Sequence[str]) -> ContestRecord:
        """LookupError, ValueError or TypeError for what `contest_lines` did not write."""
        results = tuple(map(Result.from_line, lines))
        if not results:
            raise ValueError("it has no run")
        return cls(head["title"], head["when"], head["contest"], results)

    def table(self) -> str:
        """Markdown: a line a kernel."""
        lengths = {result.method: len(result.run.best) for result in self.results}
        first, *others = lengths
        columns = ["kernel", f"{first}, {lengths[first]} trials"]
        columns += [text for other in others for text in (f"{other}, {lengths[other]} trials", "trials")]
        found = {other: verdict(self.results, other, first, final) for other in others}
        needed = {other: trials_to_reach(self.results, other, first) for other in others}
        rows = [columns, ["---"] * len(columns)]
        for kernel in dict.fromkeys(result.kernel for result in self.results):
            best = [final(one) for one in self.results if (one.kernel, one.method) == (kernel, first)]
            cells = [kernel, f"{wording.number(float(np.exp(np.mean(np.log(best)))))} GFLOPS"]
            for other in others:
                ratio = found[other].by_kernel.get(kernel, float("nan"))
                cells += [wording.times(ratio), _trials(needed[other][kernel], lengths[other])]
            rows.append(cells)
        total = ["**all**", ""]
        for other in others:
            mean, low, high, _ = found[other].over_kernels
            every = [count for counts in needed[other].values() for count in counts]
            total += [
                f"**{wording.times(mean)}** ({wording.number(low)} to {wording.number(high)})",
                f"**{_trials(every, lengths[other])}**",
            ]
        rows.append(total)
        seeds = len({result.seed for result in self.results})
        conditions = f"{seeds} seed{'s' if seeds > 1 else ''} ({self.contest}), {self.when}."
        lines = [f"| {' | '.join(row)} |" for row in rows]
        return "\n".join([f"{self.title}: {conditions}", "", *lines, "", MEANS, ""])

    def draw(self, path: Path) -> None:
        import matplotlib

        with matplotlib.rc_context(STYLE):
            write_png(convergence(self.results), path)


def contest_lines(results: Path, title: str) -> list[str]:
    """A record's: the conditions, of the measurements beside the results, then a line a run. UserError where they are
    not both there."""
    try:
        lines = results.read_text().splitlines()
        measured = results.with_name(f"{Result.from_line(lines[0]).kernel}.jsonl")
        with measured.open() as file:
            processor, *_ = json.loads(file.readline())["measured_on"].split(", ")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(f"{results.parent} is no contest of measured kernels: {type(error).__name__} {error}") from None
    return [json.dumps({"title": title, "when": day_of(results), "contest": processor}), *lines]


def day_of(path: Path) -> str:
    """When it was last written, UTC: `2026-01-31`."""
    return time.strftime("%Y-%m-%d", time.gmtime(path.stat().st_mtime))


def _trials(counts: Sequence[float], most: int) -> str:
    middle = float(np.median(counts))
    return f"{middle:.0f}" if np.isfinite(middle) else f"more than {most}"
