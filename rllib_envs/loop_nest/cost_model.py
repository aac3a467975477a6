"""Predict how fast a schedule runs from its plan alone, in about a ten-thousandth of a second.

An analytical model in the manner of the roofline (Williams et al. 2009): each part of the core would need some
cycles for the whole nest, the parts work at the same time, so the slowest decides. What does not overlap comes on
top. It orders schedules well enough to leave most of them unmeasured; `bench/loop_nest_cost_model.py` shows how well.
"""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.backend.plan import Access, Target, Tensor, make_plan
from rllib_envs.loop_nest.cost_model_machine import Machine, this_machine
from rllib_envs.loop_nest.cost_model_nest import (
    Nest,
    lines_by_depth,
    lines_fetched,
    make_nest,
    partial_vectors,
    register_loads,
    second_lines,
)
from rllib_envs.loop_nest.statement import Statement


class Prediction(NamedTuple):
    """Core cycles that each part needs for one run of the whole nest, tensors and code warm in the caches."""

    arithmetic: float
    loads: float
    """From L1, of inputs and of C, packed or broadcast."""
    stores: float
    lane_by_lane: float
    """Gathers and scatters: microcode, which does not overlap with itself."""
    latency: float
    """Waiting for the sum before, where there are too few independent ones."""
    from_l2: float
    from_l3: float
    """From L3 or memory."""
    overhead: float
    """What comes on top of the slowest: loops, sums over lanes, loads that wait for masked stores."""

    @property
    def bound(self) -> str:
        """The name of the slowest part."""
        return max(zip(self[:-1], self._fields, strict=False))[1]

    @property
    def cycles(self) -> float:
        """Predicted core cycles of one run."""
        return max(self[:-1]) + self.overhead


class CostModel:
    """Predicts for one machine; the one at hand by default."""

    def __init__(self, machine: Machine | None = None) -> None:
        self.machine = machine or this_machine()
        self._target = Target(self.machine.lanes, self.machine.registers)

    def predict(self, statement: Statement, loops: Schedule) -> Prediction:
        """Raises UserError for a schedule that is not legal."""
        machine = self.machine
        nest = make_nest(statement, make_plan(statement, loops, self._target), machine.lanes)
        loads, gathers = self._input_loads(nest)
        output = self._output(statement, nest)
        lines = lines_by_depth(nest)
        operations = nest.runs(len(nest.plan.loops))
        prediction = Prediction(
            arithmetic=(operations * _instructions(statement) + output.additions) / machine.multiply_adds,
            loads=(loads + output.loads + output.stores * machine.store_as_loads) / machine.loads,
            stores=output.stores / machine.stores,
            lane_by_lane=(gathers + output.gathers) * machine.gather + output.scatters * machine.scatter,
            latency=self._latency(statement, nest, operations),
            from_l2=lines_fetched(nest, lines, machine.l1_bytes, machine.l1_ways, machine.write_back) * machine.l2_line,
            from_l3=lines_fetched(nest, lines, machine.l2_bytes) * machine.l3_line,
            overhead=output.overhead + machine.loop * sum(nest.runs(d + 1) for d in range(nest.plan.block)),
        )
        if not machine.overlap:
            return prediction
        return prediction._replace(overhead=prediction.overhead + _waiting(prediction, machine.overlap))

    def fraction_of_peak(self, statement: Statement, loops: Schedule) -> float:
        """Predicted speed as a part of what multiply-adds alone reach: what to rank schedules by, highest first."""
        return statement.flops / (self.predict(statement, loops).cycles * self.machine.flop_per_cycle)

    def _input_loads(self, nest: Nest) -> tuple[float, float]:
        """Loads and gathers of A and B."""
        plan = nest.plan
        blocks = nest.runs(plan.block)
        loads = gathers = 0.0
        free = self.machine.registers - plan.held * plan.accumulators
        for tensor, count in zip(plan.inputs, register_loads(nest, free), strict=True):
            if tensor.access is Access.STRIDED:
                gathers += count * blocks
            else:
                loads += count * blocks * self._accesses(tensor)
        return loads, gathers

    def _accesses(self, tensor: Tensor) -> float:
        """What loading or storing a vector of a tensor costs, in accesses to one line."""
        return 1.0 + self.machine.second_line * second_lines(tensor, self.machine.lanes)

    def _output(self, statement: Statement, nest: Nest) -> _OutputTraffic:
        plan, machine = nest.plan, self.machine
        if statement.reduce == "none":
            vectors, runs, met_again = nest.runs(len(plan.loops)), 0.0, False
        else:
            runs = nest.runs(plan.hold)
            vectors = runs * plan.held
            met_again = any(loop.var not in plan.output.stride for loop in plan.loops[: plan.hold])
        complete = vectors / prod(nest.iterations[depth] for depth in range(plan.hold) if plan.revisits(depth))
        additions = vectors * (plan.accumulators - 1) + complete * len(statement.epilogue)
        loaded = vectors if met_again else 0.0
        if plan.output.access is Access.STRIDED:
            return _OutputTraffic(additions, gathers=loaded, scatters=vectors)
        if plan.output.access is Access.BROADCAST:
            return _OutputTraffic(additions, loads=loaded, stores=vectors, overhead=vectors * machine.lane_sum)
        each = self._accesses(plan.output)
        waits = runs if met_again and partial_vectors(nest, machine.lanes) else 0.0
        return _OutputTraffic(additions, loaded * each, vectors * each, overhead=waits * machine.partial_store)

    def _latency(self, statement: Statement, nest: Nest, operations: float) -> float:
        """Sums that follow one another in registers; the window overlaps those of different C vectors."""
        plan = nest.plan
        if statement.reduce == "none":
            return 0.0
        overlap = 1.0 + self.machine.window * nest.runs(plan.hold) / operations
        return operations / (plan.held * plan.accumulators) * self.machine.latency / overlap


class _OutputTraffic(NamedTuple):
    """Vector instructions for C outside the block's arithmetic, and cycles that overlap with nothing.

    What an epilogue computes counts; what it reads, once for each element of C, does not matter.
    """

    additions: float
    loads: float = 0.0
    stores: float = 0.0
    gathers: float = 0.0
    scatters: float = 0.0
    overhead: float = 0.0


def _waiting(parts: Prediction, overlap: float) -> float:
    """Cycles in which arithmetic waits for the caches, beyond the slowest part: the more, the closer the two are."""
    arithmetic, caches = max(parts.arithmetic, parts.latency), max(parts.from_l2, parts.from_l3)
    together: float = (arithmetic**overlap + caches**overlap) ** (1.0 / overlap)
    return max(0.0, together - max(parts[:-1]))


def _instructions(statement: Statement) -> int:
    """Arithmetic instructions of one vector operation; a multiply-add is one."""
    if (statement.combine, statement.reduce) == ("multiply", "add"):
        return 1
    return (statement.combine != "copy") + (statement.reduce != "none")
