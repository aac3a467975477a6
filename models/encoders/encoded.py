"""What an encoder makes of a state."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Encoded(NamedTuple):
    """Vectors of the whole, and of the entities that actions point at."""

    whole: Tensor
    """float32 [batch, out_features]"""
    entities: Tensor | None = None
    """float32 [batch, actions, entity_features]; None where actions don't point at entities."""
