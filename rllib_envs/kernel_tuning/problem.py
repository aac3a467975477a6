"""Kernel tuning on the contract: tile factors, unrolling and locations, one decision after another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import replace

import numpy as np

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.kernel_tuning import features
from rllib_envs.kernel_tuning.decisions import (
    Decided,
    Kernel,
    choose_option,
    decisions,
    most_options,
    options,
    untuned,
)
from rllib_envs.kernel_tuning.measure import DEFAULT_LIMIT_S, KernelMeasurer
from rllib_envs.kernel_tuning.measured_on import measured_on
from rllib_envs.kernel_tuning.notation import candidate_text, gene_text
from rllib_envs.kernel_tuning.protocol import DOUBTFUL, OK, Measured
from rllib_envs.kernel_tuning.task import PROBLEM, KernelTask
from rllib_envs.kernel_tuning.timing_protocol import HOW
from rllib_envs.problem import Benchmark, Evaluation, Observation, ObservationSpec, Problem, RecordKey

DEFAULT_MAX_OPTIONS = 32
"""Enough for loops of up to some thousand iterations: 2520 has 48 divisors, 1024 has 11, and a level 64 at most."""
KNOBS_SHOWN = 16
"""A convolution with a bias has ten."""


class KernelTuning(Problem[Decided]):
    """The kernel problem. Its actions point at the options of the decision at hand, so one policy serves all kernels.

    `max_options` is the largest decision that fits. `limit_s` are the seconds that building and running a candidate may
    take.
    """

    name = PROBLEM
    horizon = 48

    def __init__(self, max_options: int = DEFAULT_MAX_OPTIONS, limit_s: float = DEFAULT_LIMIT_S) -> None:
        if max_options < 2:
            raise UserError(f"max_options is {max_options}; a decision is between 2 at least")
        self.config = {"max_options": max_options, "limit_s": limit_s}
        self.actions = tuple(f"option_{index}" for index in range(max_options))
        self.spec = ObservationSpec(
            max_tokens=max_options + KNOBS_SHOWN,
            token_features=max(len(features.OPTION_FEATURES), len(features.KNOB_FEATURES)),
            global_features=len(features.GLOBAL_FEATURES),
            points=True,
        )
        self._measurer = KernelMeasurer(limit_s)

    @property
    def measurer(self) -> KernelMeasurer:
        """What measures, for those who tune genes without the contract."""
        return self._measurer

    def initial(self, benchmark: Benchmark) -> Decided:
        task = KernelTask.from_benchmark(benchmark)
        try:
            space = self._measurer.open(task).space
        except UserError as error:
            raise UserError(f"benchmark {benchmark.name!r}: {error}") from None
        return self.start(f"benchmark {benchmark.name!r}", Kernel(task, space))

    def start(self, what: str, kernel: Kernel) -> Decided:
        """The untuned state of any kernel, be it a benchmark or not. UserError, about `what`, where it is too large."""
        most, steps = most_options(kernel.space), decisions(kernel.space)
        if most > len(self.actions):
            raise UserError(
                f"{what} has a decision among {most} options, and the problem was made for {len(self.actions)}; set "
                f"max_options to {most}"
            )
        if steps > self.horizon:
            raise UserError(f"{what} takes {steps} decisions; an episode has {self.horizon}")
        return untuned(kernel)

    def legal(self, state: Decided) -> np.ndarray:
        legal = np.zeros(len(self.actions), bool)
        legal[: len(options(state))] = True
        return legal

    def apply(self, state: Decided, action: int) -> Decided:
        found = len(options(state))
        if action >= found:
            reason = f"knob {state.knob.name!r} has {found} options here" if found else "all knobs are decided"
            raise IllegalAction(f"{self.actions[action]}: {reason}")
        return choose_option(state, action)

    def observe(self, state: Decided) -> Observation:
        """The options in the rows of their actions, and behind them the knobs, the one at hand first."""
        spec, rows = self.spec, len(self.actions)
        tokens = np.zeros((spec.max_tokens, spec.token_features), np.float32)
        mask = np.zeros(spec.max_tokens, np.int8)
        if not state.finished:
            found = features.option_features(state)
            tokens[: len(found), : found.shape[1]] = found
            mask[: len(found)] = 1
        knobs = features.knob_features(state, KNOBS_SHOWN)
        tokens[rows : rows + len(knobs), : knobs.shape[1]] = knobs
        mask[rows : rows + len(knobs)] = 1
        return Observation(tokens, mask, features.global_features(state))

    def evaluate(self, state: Decided) -> Evaluation:
        task = state.kernel.task
        assert isinstance(task, KernelTask), "benchmarks are operators"
        return self.evaluation(task, self._measurer.measure(task, state.gene))

    def evaluation(self, task: KernelTask, measured: Measured) -> Evaluation:
        """A measurement in the terms of the contract."""
        ready = self._measurer.ready()
        return Evaluation(
            value=task.flops / measured.seconds / 1e9 if measured.seconds else 0.0,
            unit="GFLOPS",
            scale=ready.peak_gflops,
            error=f"{measured.status}: {measured.reason}" if measured.status != OK else "",
            how=f"{ready.version}, one thread, {HOW}, output verified",
            doubtful=measured.status in DOUBTFUL,
            details={
                "seconds": measured.seconds,
                "spread": measured.spread,
                "build_seconds": measured.build_seconds,
                "run_seconds": measured.run_seconds,
            },
        )

    def objective_key(self, state: Decided) -> Hashable:
        return state.kernel.task, state.gene

    def record_key(self, state: Decided) -> RecordKey:
        return RecordKey(state.kernel.task.text, gene_text(state.kernel.space, state.gene))

    def measured_on(self) -> str:
        return measured_on()

    def recall(self, recorded: Evaluation) -> Evaluation:
        """With the peak that rewards are scaled by here."""
        return replace(recorded, scale=self._measurer.ready().peak_gflops)

    def baselines(self) -> Mapping[str, Callable[[Benchmark], Evaluation]]:
        return {"tvm": self._without_schedule}

    def _without_schedule(self, benchmark: Benchmark) -> Evaluation:
        """What TVM makes of the operator as it is written."""
        task = KernelTask.from_benchmark(benchmark)
        return self.evaluation(task, self._measurer.measure_untuned(task))

    def describe(self, state: Decided) -> str:
        knobs, gene = state.kernel.space.knobs, state.gene
        width = max(len(knob.name) for knob in knobs)
        return "\n".join(
            f"{'' if index < len(state.chosen) else '*':2}{knob.name:{width}}  {candidate_text(knob, choice)}"
            for index, (knob, choice) in enumerate(zip(knobs, gene, strict=True))
        )

    def close(self) -> None:
        self._measurer.close()
