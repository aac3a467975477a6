"""The computation that a loop nest carries out: C[...] (reduce)= A[...] (combine) B[...], all accesses affine.

Everything that LoopTune tunes is one such statement: a contraction (matrix product, batched product, convolution),
a reduction, a transposition or a pointwise map, perhaps with an epilogue, such as a bias and a ReLU, that each element
of C goes through when it is complete. Tensors are float32 and flat; an access is the distance in elements that each
loop variable moves in the tensor, so a transposed operand or a sliding window is only another set of strides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite, prod
from typing import Any, NamedTuple

from rllib_envs.errors import UserError

Strides = tuple[tuple[str, int], ...]
COMBINE = ("multiply", "add", "subtract", "max", "min", "copy")
REDUCE = ("add", "max", "min", "none")
EPILOGUE = ("add", "subtract", "multiply", "max", "min")
MAX_TENSORS = 6
"""As many pointers as the calling convention of x86-64 passes in registers."""
MAX_ELEMENTS = 1 << 28  # 1 GiB of float32 a tensor; byte offsets stay far inside the 32 bits of an address displacement


class EpilogueStep(NamedTuple):
    """`C = C operation operand`, for each element of C once it is complete."""

    operation: str
    operand: Strides | float
    """The strides of a tensor that is read, over variables of C, or a constant."""


@dataclass(frozen=True)
class Statement:
    """One statement over a rectangular iteration space.

    `combine="copy"` reads only the first input. `reduce="none"` is a map: every variable appears in the output.
    """

    sizes: tuple[tuple[str, int], ...]
    """Trip count of each loop variable, in the order of the untuned loop nest (outermost first)."""
    output: Strides
    """Stride in elements of each variable in C; a variable that is absent is reduced over."""
    inputs: tuple[Strides, ...]
    """Strides in elements in A and, unless `combine` is "copy", in B."""
    combine: str = "multiply"
    reduce: str = "add"
    epilogue: tuple[EpilogueStep, ...] = ()
    """What each element of C goes through after its reduction, in order."""
    kind: str = field(default="statement", compare=False)
    """The family it belongs to (`mm`, `conv2d`, ...), for people."""

    def __post_init__(self) -> None:
        names = [name for name, _ in self.sizes]
        if len(set(names)) != len(names) or not names:
            raise UserError(f"loop variables must be given once each, got {names}")
        for name, size in self.sizes:
            if size < 1:
                raise UserError(f"dimension {name} has size {size}; every dimension needs at least 1")
        if self.combine not in COMBINE or self.reduce not in REDUCE:
            raise UserError(f"unknown operation {self.combine!r}/{self.reduce!r}; use one of {COMBINE} and {REDUCE}")
        if len(self.inputs) != (1 if self.combine == "copy" else 2):
            raise UserError(
                f"{self.combine!r} takes {1 if self.combine == 'copy' else 2} inputs, got {len(self.inputs)}"
            )
        for access in self.accesses:
            if any(name not in names or stride < 1 for name, stride in access):
                raise UserError(f"an access must use known variables and positive strides, got {access}")
        self._check_epilogue()
        if self.reduce == "none" and self.reduced:
            raise UserError(f"a map must write every variable, but {self.reduced} are missing from its output")
        if any(count > MAX_ELEMENTS for count in self.elements):
            raise UserError(f"a tensor of {max(self.elements):,} elements is over the limit of {MAX_ELEMENTS:,}")
        self._refuse_overlapping_writes()

    @cached_property
    def _hash(self) -> int:
        return hash((self.sizes, self.output, self.inputs, self.combine, self.reduce, self.epilogue))

    def __hash__(self) -> int:
        """Kept: states, schedules and what is known of them are looked up by their statement all the time."""
        return self._hash

    def __getstate__(self) -> dict[str, Any]:
        """Without what is derived: in another process, texts have other hashes."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def _check_epilogue(self) -> None:
        written = {name for name, _ in self.output}
        for operation, operand in self.epilogue:
            if operation not in EPILOGUE:
                raise UserError(f"unknown operation {operation!r} in an epilogue; use one of {EPILOGUE}")
            if isinstance(operand, tuple):
                if not written.issuperset(name for name, _ in operand):
                    raise UserError(f"an epilogue can only use the output's variables, got {operand}")
            elif not isfinite(operand):
                raise UserError(f"a constant of an epilogue must be finite, got {operand}")
        if len(self.accesses) > MAX_TENSORS:
            raise UserError(f"{len(self.accesses)} tensors are over the limit of {MAX_TENSORS} in one statement")

    def _refuse_overlapping_writes(self) -> None:
        """Two points of the iteration space may write one element of C only when they differ in a reduced variable."""
        reach = 0
        for name, stride in sorted(self.output, key=lambda item: item[1]):
            size = self.size[name]
            if size > 1 and stride <= reach:
                raise UserError(f"the output's strides overlap: {dict(self.output)} with sizes {self.size}")
            reach += (size - 1) * stride

    @cached_property
    def size(self) -> dict[str, int]:
        return dict(self.sizes)

    @cached_property
    def reduced(self) -> tuple[str, ...]:
        """The variables that C does not have."""
        written = {name for name, _ in self.output}
        return tuple(name for name, _ in self.sizes if name not in written)

    @cached_property
    def accesses(self) -> tuple[Strides, ...]:
        """Strides of all tensors in the order of the kernel's arguments: C, A, perhaps B, then the epilogue's."""
        read_last = (operand for _, operand in self.epilogue if isinstance(operand, tuple))
        return (self.output, *self.inputs, *read_last)

    @cached_property
    def elements(self) -> tuple[int, ...]:
        """Number of elements that each tensor spans, in the order of `accesses`."""
        return tuple(1 + sum((self.size[name] - 1) * stride for name, stride in access) for access in self.accesses)

    @property
    def tensor_names(self) -> str:
        """A letter for each tensor, in the order of `accesses`: C, A, perhaps B, then D and so on."""
        return "CAB"[: 1 + len(self.inputs)] + "DEFG"[: len(self.accesses) - 1 - len(self.inputs)]

    @cached_property
    def flops(self) -> int:
        """Floating-point operations of one run: one for each combine, each reduce and each step of the epilogue.

        What only copies counts one for each element.
        """
        per_point = (self.combine != "copy") + (self.reduce != "none")
        outputs = prod(size for name, size in self.sizes if name not in self.reduced)
        points = prod(size for _, size in self.sizes)
        return (per_point * points + len(self.epilogue) * outputs) or points
