"""What is said in the terminal."""

from __future__ import annotations

import io
import math
import re

import pytest
from rich.console import Console

from eval import wording
from eval.budget import Budget
from eval.compare import compare
from eval.summary import print_summary
from rllib_envs.problem import Evaluation


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9996, "1.00"), (0.07123, "0.0712"), (3.1, "3.10"), (213.7, "214"), (12440, "12,400"), (0, "0"), (math.nan, "-"),
     (1e9, "1.00e+09")],
)  # fmt: skip
def test_numbers_have_three_digits(value, text):
    assert wording.number(value) == text


def test_the_summary_fits_a_terminal_and_has_every_method(toy, clock, policy, benchmarks):
    policy.clock, policy.seconds = clock, 0.01
    missing = "tvm is not installed: pip install 'tunewright[tvm]'"
    baselines = {
        "torch": lambda benchmark: Evaluation(0.4, "share", 1.0),
        "numpy": lambda benchmark: Evaluation(0.5, "share", 1.0),
        "tvm_metaschedule": lambda benchmark: Evaluation(0.0, "share", 1.0, error=missing),
    }
    methods, budget = ["policy", "greedy2", "random"], Budget(seconds=20)
    comparison = compare(toy, benchmarks, methods, budget, (0, 1), policy, baselines=baselines, clock=clock)
    console = Console(file=io.StringIO(), width=80)
    print_summary(comparison, console)
    text = console.file.getvalue()
    lines = text.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert "\u2026" not in text, "nothing is cut"
    for method in comparison.contestants:
        assert re.search(rf"^{method} ", text, re.MULTILINE)
    (head,) = (line for line in lines if line.startswith("method"))
    assert "over numpy" in head and "over torch" not in head, "the strongest baseline"
    assert "policy over random_10x" in text and "policy over torch" in text
    assert "policy over tvm" not in text
    assert missing in " ".join(text.split()), "with its brackets"
    assert "10 times" in text
