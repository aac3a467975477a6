"""The encoders by name. A name that a person types never reaches an import; only these tables do."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from models.encoders.config import EncoderConfig, InputSizes, check_kind
from models.encoders.mlp import EntityMLP
from models.encoders.pointer_attention import GraphAttention, PointerTransformer
from models.encoders.pointing import PointerEncoder
from models.encoders.scorer import CandidateScorer
from models.encoders.sinkhorn import SinkhornAssignment
from models.encoders.transformer import EntityTransformer
from rllib_envs.names import choose

Encoder = EntityMLP | EntityTransformer | PointerEncoder
Build = Callable[[InputSizes, EncoderConfig], Encoder]

PLAIN_ENCODERS: Mapping[str, Build] = {"mlp": EntityMLP, "transformer": EntityTransformer}
POINTER_ENCODERS: Mapping[str, Build] = {
    "scorer": CandidateScorer,
    "transformer": PointerTransformer,
    "graph_attention": GraphAttention,
    "sinkhorn": SinkhornAssignment,
}


def build_encoder(sizes: InputSizes, config: EncoderConfig) -> Encoder:
    """UserError for one that is of no use to such observations."""
    check_kind(config.kind, sizes.points)
    encoders = POINTER_ENCODERS if sizes.points else PLAIN_ENCODERS
    return encoders[choose(config.kind, encoders, "encoder")](sizes, config)
