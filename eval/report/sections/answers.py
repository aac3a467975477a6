"""What each method has found on each benchmark: its actions, their gains, and the state before and after."""

from __future__ import annotations

import html as markup
import math
from collections.abc import Sequence

from eval import wording
from eval.comparison import Comparison, Row, speedup_or_least
from eval.report import html

GAIN = 0.02
"""A step that makes the value better by more than this share is marked."""


def answers(comparison: Comparison) -> list[str]:
    """One fold for each benchmark."""
    return [_benchmark(comparison, name) for name in comparison.benchmarks]


def _benchmark(comparison: Comparison, name: str) -> str:
    best = [max(comparison.of(method, name), key=speedup_or_least) for method in comparison.methods]
    best.sort(key=speedup_or_least, reverse=True)
    same: dict[tuple[str, ...], list[Row]] = {}
    for row in best:
        same.setdefault(row.actions, []).append(row)
    folds = [_answer(comparison, rows, is_open=index == 0) for index, rows in enumerate(same.values())]
    top = best[0]
    line = f"{top.method}: {_value(comparison, top.value)}, {wording.times(top.speedup)}"
    return html.fold(f"<b>{markup.escape(name)}</b><span>{markup.escape(line)}</span>", "".join(folds))


def _answer(comparison: Comparison, rows: Sequence[Row], is_open: bool) -> str:
    """An answer that one or more methods have found by the same actions."""
    first = rows[0]
    names = ", ".join(row.method for row in rows)
    line = f"{_value(comparison, first.value)}, {wording.times(first.speedup)}"
    failed = html.paragraph(f"Failed when it was measured anew: {first.error}") if first.error else ""
    trees = "".join(
        f"<div><h5>{title}</h5>{html.code(text)}</div>"
        for title, text in (("untuned", first.before), ("tuned", first.after))
        if text
    )
    content = f"{failed}{_steps(comparison, first)}<div class=before-after>{trees}</div>"
    return html.fold(f"<b>{markup.escape(names)}</b><span>{markup.escape(line)}</span>", content, is_open)


def _steps(comparison: Comparison, row: Row) -> str:
    if not row.actions:
        return html.paragraph("Left untuned.")
    values = row.steps or (math.nan,) * (len(row.actions) + 1)
    items = [_step("untuned", values[0], False)]
    for action, before, after in zip(row.actions, values, values[1:], strict=False):
        worse, better = (before, after) if comparison.higher_is_better else (after, before)
        items.append(_step(action, after, better > worse * (1 + GAIN)))
    return f"<ol class=steps>{''.join(items)}</ol>"


def _step(name: str, value: float, gained: bool) -> str:
    return f"<li{' class=gain' if gained else ''}><b>{markup.escape(name)}</b><span>{wording.number(value)}</span></li>"


def _value(comparison: Comparison, value: float) -> str:
    return f"{wording.number(value)} {comparison.unit}"
