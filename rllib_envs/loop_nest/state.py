"""The state of loop-nest tuning: a statement, its loops, and the loop that the cursor is on.

Loops are kept as (variable, step), outermost first. It is the same information as loop_tool's (variable, (size, tail))
loop orders, into which `loop_tool_tree` turns it and back, as a value that can be hashed, compared and pickled, which
loop_tool's own objects can't.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rllib_envs.loop_nest.backend.loops import Loop, Schedule
from rllib_envs.loop_nest.statement import Statement


@dataclass(frozen=True, slots=True)
class NestState:
    statement: Statement
    loops: Schedule
    cursor: int = 0
    """Index into `loops` of the loop that the next action acts on."""
    _hash: int = field(init=False, repr=False, compare=False)
    """Searches look states up again and again, and to hash all of it takes longer than to make it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.statement, self.loops, self.cursor)))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[NestState], tuple[Statement, Schedule, int]]:
        """Made anew in another process, where texts have other hashes."""
        return NestState, (self.statement, self.loops, self.cursor)

    def extent(self, index: int) -> int:
        """How many values of its variable one full run of the loop covers: the step of the loop around it."""
        var = self.loops[index].var
        for outer in reversed(self.loops[:index]):
            if outer.var == var:
                return outer.step
        return self.statement.size[var]

    def size_and_tail(self, index: int) -> tuple[int, int]:
        """Full iterations of the loop, and the extent of the shorter last one (0 where the step divides)."""
        return divmod(self.extent(index), self.loops[index].step)

    def with_loops(self, loops: list[Loop], cursor: int) -> NestState:
        return NestState(self.statement, tuple(loops), cursor)


def untuned(statement: Statement) -> NestState:
    """One loop a variable, in the statement's own order, the cursor on the outermost."""
    return NestState(statement, tuple(Loop(var, 1) for var, _ in statement.sizes))
