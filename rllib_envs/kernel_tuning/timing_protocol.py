"""How a kernel is timed, which is said in the process that times and in those that quote it."""

from __future__ import annotations

WINDOW_S = 1e-3
WINDOWS = 10
PILOT_RUNS = 2
CUT_OFF_S = 0.05
"""A kernel that takes longer than this is timed by the pilot runs alone: it is slow, and nobody needs to know how slow
to the percent."""
HOW = f"fastest of {WINDOWS} windows of {1e3 * WINDOW_S:g} ms"
