"""What the block emitter needs of a vector instruction set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from rllib_envs.loop_nest.backend.plan import Access, Target
from rllib_envs.loop_nest.backend.x86 import Assembler

SWAPS = (0b01_00_11_10, 0b10_11_00_01)
"""Selectors of `vshufps` that swap the halves of four lanes, and then neighbours."""


class InstructionSet(ABC):
    """Writes vector instructions of one instruction set, for float32 lanes.

    `reg`, `source` and `operand` are vector registers below `target.registers`, `base` is a general register and
    `displacement` counts bytes. `lanes` are the first lanes, those in use: memory beyond them is neither read nor
    written. Operations are named as in statements, and "fused" is multiply-add. RAX is clobbered.
    """

    name: ClassVar[str]
    target: ClassVar[Target]
    foldable: ClassVar[frozenset[Access]]
    """How an operand that arithmetic instructions take from memory may move along the vector."""

    def __init__(self, assembler: Assembler) -> None:
        self.assembler = assembler

    @abstractmethod
    def prepare(self, tails: tuple[int, ...]) -> None:
        """Code that runs once, before all other: these numbers of lanes will be used often."""

    @abstractmethod
    def clear(self, reg: int) -> None:
        """Set all lanes to zero."""

    @abstractmethod
    def copy(self, reg: int, source: int) -> None:
        """Copy all lanes."""

    @abstractmethod
    def literal(self, reg: int, lanes: list[int]) -> None:
        """Set each lane to 32 given bits."""

    @abstractmethod
    def load(self, reg: int, base: int, displacement: int, lanes: int) -> None:
        """Load neighbouring elements. The other lanes hold anything."""

    @abstractmethod
    def broadcast(self, reg: int, base: int, displacement: int) -> None:
        """Load one element into all lanes."""

    @abstractmethod
    def gather(self, reg: int, base: int, index: int, displacement: int, lanes: int) -> None:
        """Load the elements that are as many bytes away as register `index` says. The other lanes become zero."""

    @abstractmethod
    def store(self, reg: int, base: int, displacement: int, lanes: int) -> None:
        """Store to neighbouring elements."""

    @abstractmethod
    def scatter(self, reg: int, base: int, index: int, stride: int, displacement: int, lanes: int) -> None:
        """Store to elements `stride` bytes apart, the distances that register `index` holds."""

    @abstractmethod
    def operate(self, operation: str, reg: int, source: int, operand: int, lanes: int) -> None:
        """`reg = source operation operand`, or `reg += source * operand` if fused; the other lanes of `reg` stay."""

    @abstractmethod
    def operate_memory(
        self, operation: str, reg: int, source: int, base: int, displacement: int, access: Access, lanes: int
    ) -> None:
        """The same with an operand in memory, in one of the ways in `foldable`. May read a whole vector."""

    @abstractmethod
    def reduce_lanes(self, operation: str, reg: int, other: int) -> None:
        """Put the reduction of all lanes into the first lane, halving the vector each time; clobbers `other`."""

    @abstractmethod
    def load_one(self, reg: int, base: int, displacement: int) -> None:
        """Load one element into the first lane."""

    @abstractmethod
    def store_one(self, reg: int, base: int, displacement: int) -> None:
        """Store the first lane."""
