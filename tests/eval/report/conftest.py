"""One written report for all tests of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from eval.comparison import Comparison
from eval.report import write_report
from tests.eval.report.toy_comparison import toy_comparison

COMMAND = "tunewright compare --dataset 'dials & more' --seeds 3"
GRAPH = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg width="2000pt" height="100pt" viewBox="0 0 2000 100" xmlns="http://www.w3.org/2000/svg"
 xmlns:xlink="http://www.w3.org/1999/xlink"><g id="graph0"><polygon fill="white" points="0,0 2000,0 2000,100 0,100"/>
<g id="node1"><title>untuned</title><ellipse fill="none" stroke="black" cx="40" cy="50" rx="30" ry="18"/>
<text x="40" y="54" text-anchor="middle">0.57</text></g></g></svg>
"""
"""As Graphviz writes one."""


class Written(NamedTuple):
    comparison: Comparison
    page: Path


@pytest.fixture(scope="session")
def written(tmp_path_factory) -> Written:
    comparison = toy_comparison()
    graphs = {"dials0 greedy1, seed 0": GRAPH, "dials0 <b>random</b>, seed 0": GRAPH}
    details = {"suite": "dials & more"}
    folder = tmp_path_factory.mktemp("report") / "new" / "report"
    return Written(comparison, write_report(comparison, folder, command=COMMAND, details=details, graphs=graphs))
