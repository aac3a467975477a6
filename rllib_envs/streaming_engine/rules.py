"""What a mapping must obey. Two rules always hold: a slice takes one node, and a node starts in its own spoke's turn.

timing       a node starts when the last operand of all its predecessors arrives, and that cycle modulo the number
             of spokes must be its spoke; nothing waits. A root may start in any spoke.
slice        no two nodes on one slice
tile_memory  all nodes that use a tile-memory variable are on one tile
sync_flow    two roots, each of which starts a synchronous data flow, are never on one tile
sibling      two successors of one node are never on one tile
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rllib_envs.errors import UserError

RULE_NAMES = ("unplaced", "slice", "timing", "tile_memory", "sync_flow", "sibling")
"""What can be wrong with a mapping; the place of a name is its bit in the batched evaluator's answer."""


@dataclass(frozen=True)
class Rules:
    """Which of the rules that can be switched off hold, and how long hops take."""

    tile_memory: bool = True
    """All users of a tile-memory variable are on one tile."""
    sync_flow: bool = True
    """Roots are on different tiles."""
    sibling: bool = True
    """Successors of one node are on different tiles."""
    pass_timing: bool = False
    """A hop beyond the second costs two cycles instead of one."""

    def to_spec(self) -> dict[str, bool]:
        return asdict(self)

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Rules:
        """Read what `to_spec` wrote; what is left out has its default."""
        known = cls().to_spec()
        for name, value in spec.items():
            if name not in known:
                raise UserError(f"there is no rule {name!r}; known: {', '.join(known)}")
            if not isinstance(value, bool):
                raise UserError(f"rule {name} is {value!r}; it must be true or false")
        return cls(**spec)
