"""What is different for a problem from a trainer's own defaults, as data. A user's changes come on top."""

from __future__ import annotations

from collections.abc import Mapping

DEFAULTS: Mapping[tuple[str, str], Mapping[str, float]] = {}
"""By problem and trainer: the changed settings."""
