"""A kernel of a network: a function as TVM has it, in place of an operator with its sizes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from math import prod

from rllib_envs.kernel_tuning.operators import Shape
from rllib_envs.kernel_tuning.task import NATIVE, KernelTask


@dataclass(frozen=True)
class ModuleTask:
    """A function in float32 with one result, which is its last argument."""

    name: str
    """As TVM calls it: the operators that were fused into it."""
    module: str
    """TVM's JSON of an IRModule with the one function `main`."""
    shapes: tuple[Shape, ...]
    """Of its arguments."""
    target: str = NATIVE
    """See `KernelTask`."""
    design: int | None = None
    """See `KernelTask`."""
    factors: tuple[int, ...] = ()
    """See `KernelTask`."""

    @property
    def elements(self) -> int:
        """Of all tensors."""
        return sum(map(prod, self.shapes))

    @cached_property
    def digest(self) -> str:
        """Of the module: equal functions have the same one, in whatever networks they are."""
        return hashlib.sha256(self.module.encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        """The task in a few words."""
        return f"{self.name} ({self.digest})"


Task = KernelTask | ModuleTask
"""What can be prepared, measured and written to tuning records."""
