"""Loop-nest tuning on the contract: order, split and annotate the loops of one statement until it runs fast."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.loop_nest import features
from rllib_envs.loop_nest.actions import ACTIONS, MAX_LOOPS, choose_actions
from rllib_envs.loop_nest.backend import Measurement, Measurer, Peak
from rllib_envs.loop_nest.backend.backends import AUTO
from rllib_envs.loop_nest.cost_model import CostModel
from rllib_envs.loop_nest.kinds import make_statement
from rllib_envs.loop_nest.measured_on import measured_on
from rllib_envs.loop_nest.notation import schedule_text, statement_text
from rllib_envs.loop_nest.state import NestState, untuned
from rllib_envs.problem import Benchmark, Evaluation, Observation, ObservationSpec, Problem, RecordKey


class LoopNest(Problem[NestState]):
    """The loop-nest problem.

    `actions` is a preset's name ("standard", "looptune", "full") or a list of names. `backend` compiles the
    schedules: "avx512", "avx2", "llvm", or "auto" for the first of them that works on this processor.
    """

    name = "loop_nest"
    spec = ObservationSpec(MAX_LOOPS, len(features.LOOP_FEATURES), len(features.GLOBAL_FEATURES))

    def __init__(self, actions: str | Iterable[str] = "standard", horizon: int = 10, backend: str = AUTO) -> None:
        self.actions = choose_actions(actions)
        self.horizon = horizon
        self.config: dict[str, Any] = {"actions": list(self.actions), "horizon": horizon}
        if backend != AUTO:
            self.config["backend"] = backend
        self._table = [ACTIONS[name] for name in self.actions]
        self._measurer = Measurer(backend=backend)
        self._cost_model = CostModel()

    def initial(self, benchmark: Benchmark) -> NestState:
        spec = dict(benchmark.spec)
        if isinstance(spec.get("ir"), str):  # as loop_tool serialises it, schedule included
            from rllib_envs.loop_nest.loop_tool_tree import from_ir

            return from_ir(spec["ir"])
        kind, sizes, order = spec.pop("kind", None), spec.pop("sizes", None), spec.pop("order", None)
        if not isinstance(kind, str) or not isinstance(sizes, dict) or spec:
            raise UserError(
                f"benchmark {benchmark.name!r} must have a spec of kind, sizes and perhaps order; got {benchmark.spec}"
            )
        return untuned(make_statement(kind, sizes, order))

    def legal(self, state: NestState) -> np.ndarray:
        return np.array([not action.refusal(state) for action in self._table])

    def apply(self, state: NestState, action: int) -> NestState:
        chosen = self._table[action]
        refusal = chosen.refusal(state)
        if refusal:
            raise IllegalAction(f"{self.actions[action]}: {refusal}")
        return chosen.apply(state)

    def observe(self, state: NestState) -> Observation:
        return Observation(features.loop_features(state), features.loop_mask(state), features.global_features(state))

    def evaluate(self, state: NestState) -> Evaluation:
        return self.evaluation(self._measurer.measure(state.statement, state.loops))

    def evaluation(self, measured: Measurement) -> Evaluation:
        """A measurement in the terms of the contract."""
        clock = self._measurer.ready().time_source
        return Evaluation(
            value=measured.gflops,
            unit="GFLOPS",
            scale=self._measurer.peak().gflops,
            error=measured.error,
            how=f"fastest of {measured.samples} clock-normalised samples by the {clock}, one thread",
            doubtful=measured.error.startswith(("time-out", "crash")) or (measured.verified and measured.samples == 0),
            details={
                "seconds": measured.seconds,
                "fraction_of_peak": measured.fraction_of_peak,
                "flop_per_cycle": measured.flop_per_cycle,
                "samples": measured.samples,
                "variation": measured.variation,
            },
        )

    def peak(self) -> Peak:
        """What fractions of peak refer to."""
        return self._measurer.peak()

    def predict(self, state: NestState) -> float:
        """GFLOPS by the cost model: nothing is compiled or run, and it ranks what `evaluate` would measure."""
        return self._cost_model.fraction_of_peak(state.statement, state.loops) * self._measurer.peak().gflops

    def objective_key(self, state: NestState) -> Hashable:
        """Speed depends on the loops, not on where the cursor is."""
        return state.statement, state.loops

    def record_key(self, state: NestState) -> RecordKey:
        return RecordKey(statement_text(state.statement), schedule_text(state.loops))

    def measured_on(self) -> str:
        return measured_on(self._measurer.backend)

    def recall(self, recorded: Evaluation) -> Evaluation:
        """At the peak of the day: the fraction of peak repeats, the clock that it is converted with does not."""
        scale = self._measurer.peak().gflops
        change = scale / recorded.scale
        details = {**recorded.details, "seconds": recorded.details.get("seconds", 0.0) / change}
        return replace(recorded, value=recorded.value * change, scale=scale, details=details)

    def describe(self, state: NestState) -> str:
        from rllib_envs.loop_nest.loop_tool_tree import dump

        return dump(state)

    def baselines(self) -> Mapping[str, Callable[[Benchmark], Evaluation]]:
        return {"numpy": self._numpy}

    def _numpy(self, benchmark: Benchmark) -> Evaluation:
        """What numpy reaches on the same statement: one thread, timed by the same protocol."""
        evaluation = self.evaluation(self._measurer.measure_numpy(self.initial(benchmark).statement))
        return replace(evaluation, how=f"numpy {np.__version__}; {evaluation.how}")

    def close(self) -> None:
        self._measurer.close()
