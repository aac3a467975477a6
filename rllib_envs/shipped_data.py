"""Where the data are that come with the checkout: suites, and tables of what was measured."""

from __future__ import annotations

from pathlib import Path

DATASETS = Path(__file__).resolve().parent.parent / "datasets"
