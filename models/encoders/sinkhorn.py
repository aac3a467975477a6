"""One-shot assignment: all nodes of the context to all candidates at once, of which the row at hand is then played.

Scores of pairs are turned into an assignment by optimal transport with entropy (Cuturi, 2013), solved by scaling rows
and columns in turn (Sinkhorn and Knopp, 1967), on logarithms so that nothing overflows. Each node has a mass of 1 to
give, each candidate room for 1; a further row and column, the dustbins, take what finds no partner.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from models.encoders.config import EncoderConfig, InputSizes
from models.encoders.pointing import PointerEncoder, Rows, masked_mean
from rllib_envs.errors import UserError

ITERATIONS = 6
"""Scalings of the rows and of the columns. More change the assignment by little and the time of a decision by much."""
NOTHING = -1e9
"""The logarithm of no mass. Finite, because the difference of two infinities is no number."""

LEAST = -50.0
"""Scores of what gets no mass."""


def transport(scores: Tensor, rows: Tensor, columns: Tensor, dustbin: Tensor, iterations: int = ITERATIONS) -> Tensor:
    """Logarithms of the masses that go from rows to columns, float32 [batch, n + 1, m + 1], dustbins last.

    `scores` [batch, n, m] have `NOTHING` where no mass may go; `rows` [batch, n] and `columns` [batch, m] are 1 for
    those that take part, otherwise 0, which is also their mass. The dustbins have the score `dustbin` [1], and room
    for all. The last scaling is that of the columns, so their sums are exact.
    """
    batch, n, m = scores.shape
    edge = dustbin.expand(batch, n, 1)
    table = torch.cat([scores, edge], dim=2)
    table = torch.cat([table, dustbin.expand(batch, 1, m + 1)], dim=1)
    row_mass = torch.cat([_log_mass(rows), _log_count(columns)], dim=1)
    column_mass = torch.cat([_log_mass(columns), _log_count(rows)], dim=1)
    v = torch.cat(
        [_log_mass(columns), torch.zeros_like(rows[:, :1])], dim=1
    )  # what takes no part gets nothing from the start
    for _ in range(iterations):
        u = row_mass - torch.logsumexp(table + v.unsqueeze(1), dim=2)
        v = column_mass - torch.logsumexp(table + u.unsqueeze(2), dim=1)
    return table + u.unsqueeze(2) + v.unsqueeze(1)


def _log_mass(taking_part: Tensor) -> Tensor:
    return (1 - taking_part) * NOTHING


def _log_count(taking_part: Tensor) -> Tensor:
    """[batch, 1]: the dustbin's mass, room for all of the other side."""
    return taking_part.sum(1, keepdim=True).clamp(min=1).log()


class SinkhornAssignment(PointerEncoder):
    """Scores are the logarithms of how much of the node at hand goes to each candidate, at a learnt temperature."""

    def __init__(self, sizes: InputSizes, config: EncoderConfig) -> None:
        super().__init__(sizes, config)
        if self.context is None:
            raise UserError("the encoder sinkhorn assigns context to candidates, and this problem shows no context")
        width = config.width
        self.mixed = nn.Linear(2 * width, width)
        self.candidate_layers, self.context_layers = (_perceptron(width, config.layers) for _ in range(2))
        self.key, self.query = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.dustbin = nn.Parameter(torch.zeros(1))
        self.sharpness = nn.Parameter(torch.zeros(1))
        self.out_features, self.entity_features = 2 * width, 1

    def encode(self, rows: Rows, features: Tensor) -> tuple[Tensor, Tensor]:
        candidates, context, whole = self.embedded(rows, features)
        assert context is not None
        seen, around = torch.relu(candidates), torch.relu(context)
        pooled = torch.cat([masked_mean(seen, rows.present), masked_mean(around, rows.context_present)], dim=-1)
        mixed = whole + self.mixed(pooled).unsqueeze(1)
        candidates, context = self.candidate_layers(candidates + mixed), self.context_layers(context + mixed)
        scores = self.query(context) @ self.key(candidates).transpose(1, 2) / math.sqrt(candidates.shape[-1])
        places = torch.maximum(rows.present, rows.legal)
        # The node at hand, in the first row, goes to legal candidates only; of the others, that is not known yet.
        possible = torch.cat([rows.legal.unsqueeze(1), places.unsqueeze(1).expand(-1, scores.shape[1] - 1, -1)], dim=1)
        impossible = possible * rows.context_present.unsqueeze(2) < 1
        assigned = transport(scores.masked_fill(impossible, NOTHING), rows.context_present, places, self.dustbin)
        entities = assigned[:, 0, :-1].clamp(min=LEAST) * self.sharpness.exp()
        summary = torch.cat([masked_mean(candidates, rows.legal), masked_mean(context, rows.context_present)], dim=-1)
        return summary, entities.unsqueeze(-1)


def _perceptron(width: int, layers: int) -> nn.Sequential:
    blocks: list[nn.Module] = [nn.LayerNorm(width), nn.ReLU()]
    for _ in range(layers):
        blocks += [nn.Linear(width, width), nn.LayerNorm(width), nn.ReLU()]
    return nn.Sequential(*blocks)
