"""Progress in a log is one plain line an iteration; on a terminal it is a table."""

from __future__ import annotations

import io

from rich.console import Console

from launcher.training.live_progress import LiveProgress
from models.training import Progress


def progress(iteration):
    return Progress(iteration, 1000 * iteration, 2.5, 90, 0.123, None, 1.75, 400.0, 0, 0, {})


def test_a_log_gets_one_line_an_iteration(capsys):
    with LiveProgress(iterations=4, seconds=1e9, console=Console(file=io.StringIO())) as live:
        for iteration in (1, 2):
            live.show(progress(iteration))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "\x1b" not in lines[0]
    assert lines[1].startswith("iteration 2 steps 2,000 episodes 90 return 0.123 speed-up - best 1.75")


def test_a_terminal_gets_a_table():
    screen = io.StringIO()
    with LiveProgress(iterations=4, seconds=1e9, console=Console(file=screen, force_terminal=True, width=100)) as live:
        live.show(progress(1))
    assert "1.75" in screen.getvalue() and "┃" in screen.getvalue()


def test_the_nearer_limit_decides():
    live = LiveProgress(iterations=10, seconds=1e-9)
    assert live.share_done(1) == 1.0
    assert LiveProgress(iterations=10, seconds=1e9).share_done(5) == 0.5
