"""Keep the inputs of a block in the registers that its accumulators leave free."""

from __future__ import annotations

from collections.abc import Callable

Operand = tuple[int, int, int]
"""Which input, byte offset of the vector from that input's pointer, and lanes."""


class OperandCache:
    """Loads each operand when it is first needed and keeps it as long as registers allow.

    When a register is needed, the operand whose next use is furthest away gives way (Belady, "A study of
    replacement algorithms for a virtual-storage computer", 1966), which is optimal because the whole block is
    known beforehand.
    """

    def __init__(self, load: Callable[[int, Operand], None], registers: list[int]) -> None:
        """`load(register, operand)` writes the load; `registers` are the free ones, at least two."""
        self._load = load
        self._free = registers.copy()
        self._loaded: dict[Operand, int] = {}
        self._uses: dict[Operand, list[int]] = {}  # positions of the uses to come, the next one last
        self._announced = 0

    def announce(self, operands: tuple[Operand, ...]) -> None:
        """Tell the operands of the next operation; once for each operation of the block, in order."""
        for operand in operands:
            self._uses.setdefault(operand, []).append(self._announced)
        self._announced += 1

    def start(self) -> None:
        """All operations have been announced."""
        for positions in self._uses.values():
            positions.reverse()

    def used_once(self, operand: Operand) -> bool:
        """Whether the operand is not in a register and only the current operation still needs it."""
        return operand not in self._loaded and len(self._uses[operand]) == 1

    def register(self, operand: Operand, needed: tuple[Operand, ...]) -> int:
        """The register of an operand, loaded if necessary without evicting an operand in `needed`."""
        register = self._loaded.get(operand)
        if register is None:
            register = self._free.pop() if self._free else self._evict(needed)
            self._loaded[operand] = register
            self._load(register, operand)
        return register

    def release(self, operands: tuple[Operand, ...]) -> None:
        """The current operation is done with its operands."""
        for operand in operands:
            positions = self._uses[operand]
            positions.pop()
            if not positions and operand in self._loaded:
                self._free.append(self._loaded.pop(operand))

    def _evict(self, needed: tuple[Operand, ...]) -> int:
        candidates = (operand for operand in self._loaded if operand not in needed)
        victim = max(candidates, key=lambda operand: self._uses[operand][-1])
        return self._loaded.pop(victim)
