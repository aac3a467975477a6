"""How large the network is. Plain data: it is stored in every policy file and read without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.problem import ObservationSpec

PLAIN_KINDS = ("mlp", "transformer")
"""For problems whose actions are operations, each with a meaning of its own."""
POINTER_KINDS = ("scorer", "transformer", "graph_attention", "sinkhorn")
"""For problems whose actions point at entities."""
KINDS = tuple(dict.fromkeys((*PLAIN_KINDS, *POINTER_KINDS)))
MAX_WIDTH = 1024
"""A policy decides in well under a millisecond on one core; a wider network would not, and is a typing error."""
MAX_LAYERS = 16
"""Deeper networks don't train with the optimisers used here."""


@dataclass(frozen=True)
class EncoderConfig:
    """The network's shape; the defaults decide in a fifth of a millisecond and learn within minutes on two cores."""

    kind: str = "mlp"
    """"mlp" reads the entities in their order; "transformer" lets them attend to each other, at 5 times the cost. Where
    actions point at entities: "scorer" looks at each candidate alike, "transformer" and "graph_attention" let them and
    their context attend to each other, the latter along links only, and "sinkhorn" assigns all at once."""
    width: int = 128
    """Size of the hidden vectors."""
    layers: int = 2
    """Number of hidden layers, or of attention blocks."""
    heads: int = 4
    """Attention heads of each block; divides the width. Only "transformer" and "graph_attention" have any."""

    def __post_init__(self) -> None:
        choose(self.kind, KINDS, "encoder")
        for field, value, most in (
            ("width", self.width, MAX_WIDTH),
            ("layers", self.layers, MAX_LAYERS),
            ("heads", self.heads, self.width),
        ):
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
                raise UserError(f"the encoder's {field} is {value!r}; give a whole number from 1 to {most}")
        if self.width % self.heads:
            raise UserError(f"the encoder's width {self.width} is no multiple of its {self.heads} heads")


class InputSizes(NamedTuple):
    """The sizes of the arrays that `rllib_envs.policy_input.policy_input` returns."""

    max_tokens: int
    token_features: int
    globals: int
    actions: int
    points: bool = False
    links: int = 0
    """As in `ObservationSpec`, both."""

    @classmethod
    def of(cls, spec: ObservationSpec, actions: int) -> InputSizes:
        """`globals` has one entry more than the problem's: the share of the horizon that remains."""
        return cls(
            spec.max_tokens, spec.token_features, spec.global_features + 1, actions, bool(spec.points), spec.links
        )


def kinds_for(points: bool) -> tuple[str, ...]:
    """The kinds of encoders for problems whose actions point at entities, or for others; the default first."""
    return POINTER_KINDS if points else PLAIN_KINDS


def check_kind(kind: str, points: bool) -> None:
    """UserError when an encoder is of no use to such a problem."""
    if kind in KINDS and kind not in kinds_for(points):
        why = "actions point at entities in any order" if points else "actions don't point at entities"
        raise UserError(f"the encoder {kind} is not for a problem whose {why}; take {' or '.join(kinds_for(points))}")
