"""Draw the figures of a comparison: pictures for its folder, and elements for its page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from eval.comparison import Comparison
from eval.report.figures import WITHOUT_LEGEND, drawings
from eval.report.figures.actions import actions
from eval.report.figures.legend import add_legend, swatch
from eval.report.figures.style import NARROW, STYLE, WIDE, looks
from eval.report.figures.svg import to_svg, write_png
from eval.report.sections.fast import references
from eval.statistics import Summary

MOST_ACTION_PICTURES = 40
"""Of single benchmarks, a third of a second each. The page and the CSV have all."""


class Drawn(NamedTuple):
    """What a page shows of a comparison's figures."""

    svgs: Mapping[str, Sequence[str]]
    """For a wide page and for a phone, by the figure's name."""
    swatches: Mapping[str, str]
    """A sample of each contestant's line."""


def draw(comparison: Comparison, summaries: Sequence[Summary], folder: Path, prefix: str) -> Drawn:
    """Write each figure as `<prefix><name>.png`, and one of each benchmark into `<prefix>actions/`."""
    import matplotlib

    look = looks(comparison.methods, comparison.baselines)
    with matplotlib.rc_context(STYLE):
        summaries = [one for one in summaries if one.method in look]
        svgs = {}
        for name, drawing in drawings(summaries, references(comparison, summaries)).items():
            figure = drawing(comparison, WIDE)
            element = to_svg(figure, f"{prefix}{name}")
            if name not in WITHOUT_LEGEND:
                add_legend(figure, look)
            write_png(figure, folder / f"{prefix}{name}.png")
            svgs[name] = element, to_svg(drawing(comparison, NARROW), f"{prefix}{name}-narrow")
        pictures = folder / f"{prefix}actions"
        pictures.mkdir(exist_ok=True)
        for name, file in file_names(comparison.benchmarks[:MOST_ACTION_PICTURES]).items():
            write_png(actions(comparison, name), pictures / f"{file}.png", dpi=110)
        return Drawn(svgs, {name: swatch(each) for name, each in look.items()})


def file_names(names: Iterable[str]) -> dict[str, str]:
    """Names that every file system takes, no two alike even where case does not count."""
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        file = base = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip(".")[:100] or "_"
        while file.lower() in taken:
            file = f"{base}-{len(taken)}"
        taken.add(file.lower())
        chosen[name] = file
    return chosen
