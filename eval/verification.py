"""Whether an answer holds: measured and checked anew, beside the untuned state and what a user would otherwise call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from eval.remeasure import remeasure
from eval.wording import number, times
from rllib_envs.errors import TunewrightError
from rllib_envs.problem import Benchmark, Evaluation, Problem

ANSWER, UNTUNED = "answer", "untuned"


class AnswerFailed(TunewrightError):
    """What counted during the search was wrong, crashed or hung when it was measured again."""


class Verification(NamedTuple):
    """Values that were measured in turns, each several times; one that failed in any round has failed."""

    answer: Evaluation
    others: Mapping[str, Evaluation]
    """By name: the untuned state, and the problem's baselines."""

    def speedups(self) -> dict[str, float]:
        """Of the answer over each of the others that count."""
        counting = {name: other for name, other in self.others.items() if other.verified}
        return {name: self.answer.speedup_over(other) for name, other in counting.items()}

    @property
    def slower(self) -> bool:
        """Whether the answer is slower than the untuned state."""
        return self.speedups().get(UNTUNED, 1.0) < 1.0

    def of_untuned(self) -> Verification:
        """With the untuned state as the answer."""
        return self._replace(answer=self.others[UNTUNED])

    def check(self) -> None:
        """AnswerFailed where the answer doesn't hold."""
        if not self.answer.verified:
            raise AnswerFailed(
                f"the answer failed when it was measured again: {self.answer.error}; it counted before, so try again"
            )

    def sentence(self) -> str:
        """For people, of an answer that holds."""
        values = (
            f"{times(ratio)} {name} ({number(self.others[name].value)})" for name, ratio in self.speedups().items()
        )
        fraction = self.answer.details.get("fraction_of_peak")
        peak = "" if fraction is None else f", {fraction:.0%} of the peak"
        return f"verified: {number(self.answer.value)} {self.answer.unit}{peak}; {', '.join(values)}"


def verify(problem: Problem[Any], benchmark: Benchmark, state: Any) -> Verification:
    """Measure a state anew, in turns with the untuned one and the baselines. What is correct, the problem decides."""
    contestants: dict[str, Callable[[], Evaluation | None]] = {
        ANSWER: partial(problem.evaluate, state),
        UNTUNED: partial(problem.evaluate, problem.initial(benchmark)),
    }
    for name, baseline in problem.baselines().items():
        contestants[name] = partial(baseline, benchmark)
    measured = {name: found.evaluation for name, found in remeasure(contestants, np.random.default_rng(0)).items()}
    return Verification(measured.pop(ANSWER), measured)
