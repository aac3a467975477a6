"""What is to be tuned: an operator with its sizes, what is fused behind it, and which schedules are considered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.operators import OPERATORS, Operator, Shape
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark

PROBLEM = "kernel_tuning"
EPILOGUES = ("bias", "relu")
NATIVE = "native"
"""The target: one core of the processor that tuning runs on."""
MAX_ELEMENTS = 1 << 26
"""Of a tensor: 256 MiB in float32."""
MAX_SIZE = 1 << 20
FIELDS = ("operator", "sizes", "epilogue", "target", "design", "factors")


@dataclass(frozen=True)
class KernelTask:
    """A kernel in float32. Equal tasks have equal texts."""

    operator: str
    sizes: tuple[tuple[str, int], ...]
    """By name, optional ones included, in the operator's order."""
    epilogue: tuple[str, ...] = ()
    """What follows on each element, in this order: "bias", "relu"."""
    target: str = NATIVE
    """`native`, or the name of a processor as LLVM has it, which the machine must be able to run code for."""
    design: int | None = None
    """Which of MetaSchedule's design spaces; None for the one with the most genes."""
    factors: tuple[int, ...] = ()
    """Tile factors that may be used, for a small space; empty for all."""

    @property
    def name(self) -> str:
        return self.operator

    @property
    def form(self) -> Operator:
        return OPERATORS[self.operator]

    @cached_property
    def size(self) -> Mapping[str, int]:
        return dict(self.sizes)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """Of data, weight, the bias where there is one, and last the output."""
        data, weight, output = self.form.shapes(self.size)
        bias = [(output[self.form.channels],)] if "bias" in self.epilogue else []
        return (data, weight, *bias, output)

    @property
    def elements(self) -> int:
        """Of all tensors."""
        return sum(map(prod, self.shapes))

    @cached_property
    def flops(self) -> float:
        """Operations of one run. What follows on each element is not counted, as is usual."""
        return self.form.flops(self.size)

    @cached_property
    def text(self) -> str:
        """The task as one line of JSON, without what has its default."""
        return json.dumps(self.to_spec(), separators=(",", ":"))

    def to_spec(self) -> dict[str, Any]:
        optional = self.form.optional
        spec: dict[str, Any] = {
            "operator": self.operator,
            "sizes": {name: size for name, size in self.sizes if optional.get(name) != size},
        }
        if self.epilogue:
            spec["epilogue"] = list(self.epilogue)
        if self.target != NATIVE:
            spec["target"] = self.target
        if self.design is not None:
            spec["design"] = self.design
        if self.factors:
            spec["factors"] = list(self.factors)
        return spec

    def to_benchmark(self, name: str) -> Benchmark:
        return Benchmark(name, PROBLEM, self.to_spec())

    @classmethod
    def from_benchmark(cls, benchmark: Benchmark) -> KernelTask:
        """UserError, naming the benchmark and the field, when the spec makes no sense."""
        try:
            return cls.from_spec(benchmark.spec)
        except UserError as error:
            raise UserError(f"benchmark {benchmark.name!r}: {error}") from None

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> KernelTask:
        """UserError, naming the field, when it makes no sense."""
        for name in spec:
            choose(name, FIELDS, "field of a kernel")
        operator = choose(str(spec.get("operator")), OPERATORS, "operator")
        task = cls(
            operator,
            _sizes(OPERATORS[operator], spec.get("sizes")),
            _epilogue(spec.get("epilogue", [])),
            _target(spec.get("target", NATIVE)),
            _design(spec.get("design")),
            _factors(spec.get("factors", [])),
        )
        _check_shapes(task)
        return task


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= MAX_SIZE


def _sizes(operator: Operator, given: object) -> tuple[tuple[str, int], ...]:
    names = (*operator.sizes, *operator.optional)
    if not isinstance(given, dict):
        raise UserError(f"sizes must be an object with {', '.join(operator.sizes)}; got {given!r}")
    for name in given:
        choose(name, names, "size")
    missing = [name for name in operator.sizes if name not in given]
    if missing:
        raise UserError(f"sizes lacks {', '.join(missing)}")
    sizes = {**operator.optional, **given}
    for name, size in sizes.items():
        least = 0 if name == "padding" else 1
        if not _whole(size, least):
            raise UserError(f"size {name} must be a whole number from {least} to {MAX_SIZE}; got {size!r}")
    return tuple((name, sizes[name]) for name in names)


def _epilogue(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(step, str) for step in given):
        raise UserError(f"epilogue must be a list of {', '.join(EPILOGUES)}; got {given!r}")
    steps = tuple(choose(step, EPILOGUES, "epilogue") for step in given)
    if len(set(steps)) < len(steps):
        raise UserError(f"epilogue has the same step twice: {', '.join(steps)}")
    return steps


def _target(given: object) -> str:
    if not isinstance(given, str) or not given:
        raise UserError(f"target must be {NATIVE!r} or the name of a processor; got {given!r}")
    return given


def _design(given: object) -> int | None:
    if given is None:
        return None
    if not _whole(given, 0):
        raise UserError(f"design must be a whole number from 0; got {given!r}")
    return int(str(given))


def _factors(given: object) -> tuple[int, ...]:
    if not isinstance(given, list) or not all(_whole(factor, 1) for factor in given):
        raise UserError(f"factors must be a list of whole numbers from 1; got {given!r}")
    return tuple(sorted(set(given)))


def _check_shapes(task: KernelTask) -> None:
    for shape in task.shapes:
        if min(shape) < 1:
            raise UserError("sizes leave no place for the window; make the image larger or the kernel smaller")
        if prod(shape) > MAX_ELEMENTS:
            raise UserError(f"sizes make a tensor of {prod(shape):,} elements; at most {MAX_ELEMENTS:,} are possible")
