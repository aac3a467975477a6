"""A design space of MetaSchedule as a gene space: genes to schedules and back. For the process of TVM alone.

A design space is a trace: the schedule's primitives, with random decisions where something is open (Shao et al.,
"Tensor Program Optimization with Probabilistic Programs", NeurIPS 2022). A gene replaces the decisions. TVM repairs
those that it can't follow, such as a compute location that is not legal, so that several genes may stand for one
schedule; `Template.encode` tells the gene of the decisions that were followed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from tvm import s_tir
from tvm.s_tir import meta_schedule as ms
from tvm.s_tir.schedule import Trace

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.factorizations import factorizations
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, Gene, GeneSpace, Knob, LocationKnob, TileKnob

TILE, CATEGORICAL, LOCATION = "SamplePerfectTile", "SampleCategorical", "SampleComputeLocation"
INLINED, ROOT = -2, -1
"""As SampleComputeLocation has them; other decisions are the depths of loops."""
DEEPER_THAN_ANY = 99
"""TVM takes the deepest loop that is possible instead."""
PROBES = 8
"""Random schedules in which the deepest location is looked for: loops that run once hide some."""
SEED = 1


class InvalidGene(Exception):
    """The decisions give no schedule that can be built. The text says why."""


class _Sampled(NamedTuple):
    """A decision of the trace."""

    instruction: Any
    knob: Knob
    decisions: tuple[Any, ...]
    """What the trace is told for each candidate of the knob."""


class Template:
    """One design space of one module. A decision that has a single candidate is no part of the gene."""

    def __init__(self, context: Any, design: Any, factors: Sequence[int] = ()) -> None:
        """`context` is the TuneContext that made the `design`, a schedule. `factors` are those that tiles may have.

        UserError where these leave a tile no candidate, or nothing is open.
        """
        self.module = context.mod
        self._postprocessors = context.space_generator.postprocs
        self._trace = design.trace.simplified(remove_postproc=True)
        decisions = [self._sample(number, one, factors) for number, one in enumerate(_sampling(self._trace))]
        self._sampled = self._with_locations(decisions)
        self._open = [one for one in self._sampled if one.knob.choices > 1]
        self.space = GeneSpace(tuple(one.knob for one in self._open))

    def schedule(self, gene: Gene) -> Any:
        """The schedule of a gene, ready to be built. Raises InvalidGene."""
        schedule = self._applied(self._decisions(gene))
        try:
            schedule.enter_postproc()
            refused = next((one for one in self._postprocessors if not one.apply(schedule)), None)
        except Exception as error:  # whatever TVM's passes raise
            raise InvalidGene(in_one_line(error)) from None
        if refused is not None:
            raise InvalidGene(f"{type(refused).__name__} refuses the schedule")
        return schedule

    def encode(self, trace: Any) -> Gene:
        """The gene of the decisions in an applied trace. Raises InvalidGene for one that is no candidate."""
        gene = []
        for one, instruction in zip(self._sampled, _sampling(trace), strict=False):
            if one.knob.choices == 1:
                continue
            decision = _plain(trace.get_decision(instruction))
            if decision not in one.decisions:
                raise InvalidGene(f"knob {one.knob.name!r} became {decision}, which is not among its candidates")
            gene.append(one.decisions.index(decision))
        return tuple(gene)

    def canonical(self, gene: Gene) -> Gene:
        """The gene of what becomes of this one: equal for genes that stand for one schedule. Raises InvalidGene."""
        return self.encode(self.schedule(gene).trace)

    def _decisions(self, gene: Gene) -> dict[Any, Any]:
        choices = iter(gene)
        return {
            one.instruction: _told(one.decisions[next(choices) if one.knob.choices > 1 else 0]) for one in self._sampled
        }

    def _applied(self, decisions: dict[Any, Any]) -> Any:
        schedule = s_tir.Schedule(self.module, seed=SEED, error_render_level="none", enable_check=False)
        try:
            Trace(list(self._trace.insts), decisions).apply_to_schedule(schedule, remove_postproc=True)
        except Exception as error:  # ScheduleErrors and others, by the primitive
            raise InvalidGene(in_one_line(error)) from None
        return schedule

    def _sample(self, number: int, instruction: Any, factors: Sequence[int]) -> _Sampled:
        """The knob of a decision."""
        decided = _plain(self._trace.get_decision(instruction))
        match instruction.kind.name:
            case "SamplePerfectTile":
                levels, innermost = (_plain(attribute) for attribute in instruction.attrs)
                extent = math.prod(decided)
                tiles = factorizations(extent, levels, innermost, factors)
                name = f"tile_{number}_{extent}"
                if not tiles:
                    raise UserError(f"factors {list(factors)} give no {levels} tiles of a loop of {extent}; add some")
                return _Sampled(instruction, TileKnob(name, tiles), tiles)
            case "SampleCategorical":
                values = tuple(float(_plain(value)) for value in instruction.attrs[0])
                name = f"{_purpose(self._trace, instruction)}_{number}"
                return _Sampled(instruction, ChoiceKnob(name, values), tuple(range(len(values))))
            case _:
                depths = tuple(range(INLINED, DEEPER_THAN_ANY + 1))
                return _Sampled(instruction, LocationKnob(f"location_{number}", depths), depths)

    def _with_locations(self, sampled: list[_Sampled]) -> list[_Sampled]:
        """With the depths that occur, where a location is open."""
        if all(one.instruction.kind.name != LOCATION for one in sampled):
            return sampled
        rng, deepest = np.random.default_rng(SEED), [ROOT] * len(sampled)
        for _ in range(PROBES):
            decisions = {one.instruction: _told(one.decisions[rng.integers(one.knob.choices)]) for one in sampled}
            decisions |= {one.instruction: DEEPER_THAN_ANY for one in sampled if one.instruction.kind.name == LOCATION}
            trace = self._applied(decisions).trace
            for place, instruction in enumerate(_sampling(trace)):
                if instruction.kind.name == LOCATION:
                    deepest[place] = max(deepest[place], _plain(trace.get_decision(instruction)))
        return [
            _cut(one, deep) if one.instruction.kind.name == LOCATION else one
            for one, deep in zip(sampled, deepest, strict=True)
        ]


def _cut(location: _Sampled, deepest: int) -> _Sampled:
    depths = tuple(range(INLINED, deepest + 1))
    return location._replace(knob=LocationKnob(location.knob.name, depths), decisions=depths)


def templates(module: Any, target: Any, factors: Sequence[int] = ()) -> list[Template]:
    """All design spaces of a module, in MetaSchedule's order."""
    context = ms.TuneContext(
        module,
        target=target,
        space_generator="post-order-apply",
        search_strategy="replay-trace",
        num_threads=1,
        rand_state=SEED,
    )
    return [Template(context, design, factors) for design in context.generate_design_space()]


def richest(found: Sequence[Template]) -> int:
    """The design space with the most genes; the first of equals."""
    return max(range(len(found)), key=lambda index: (found[index].space.size, -index))


def _sampling(trace: Any) -> Iterator[Any]:
    return (one for one in trace.insts if one.kind.name in (TILE, CATEGORICAL, LOCATION))


def _purpose(trace: Any, instruction: Any) -> str:
    """What a categorical decision is for: the last part of the annotation that it becomes."""
    for one in trace.insts:
        if one.kind.name == "Annotate" and any(
            hasattr(given, "same_as") and given.same_as(instruction.outputs[0]) for given in one.inputs
        ):
            return str(one.attrs[0]).rpartition(".")[2]
    return "choice"


def _plain(value: Any) -> Any:
    """TVM's numbers and arrays as int and tuple."""
    if hasattr(value, "value"):
        return int(value.value)
    return int(value) if isinstance(value, int) else tuple(_plain(each) for each in value)


def _told(decision: Any) -> Any:
    return list(decision) if isinstance(decision, tuple) else decision


def in_one_line(error: Exception) -> str:
    """The kind and the first line of an error of TVM, which has many."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
