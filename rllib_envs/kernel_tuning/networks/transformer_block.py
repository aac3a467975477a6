"""One encoder block of a transformer (Vaswani et al., 2017, arXiv:1706.03762), normalised before each part."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import gelu, softmax

WIDTH, HEADS, HIDDEN = 256, 4, 1024
SHAPE = (1, 64, WIDTH)


class Block(nn.Module):
    """Attention written out, so that its matrix products are kernels like any other."""

    def __init__(self) -> None:
        super().__init__()
        self.before_attention, self.before_hidden = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.output = nn.Linear(WIDTH, WIDTH)
        self.hidden, self.back = nn.Linear(WIDTH, HIDDEN), nn.Linear(HIDDEN, WIDTH)

    def forward(self, tokens: Tensor) -> Tensor:
        """[batch, tokens, WIDTH] to the same."""
        tokens = tokens + self.attention(self.before_attention(tokens))
        result: Tensor = tokens + self.back(gelu(self.hidden(self.before_hidden(tokens))))
        return result

    def attention(self, tokens: Tensor) -> Tensor:
        """Of each token to all."""
        batch, count, width = tokens.shape

        def heads(linear: nn.Linear) -> Tensor:
            result: Tensor = linear(tokens).reshape(batch, count, HEADS, width // HEADS).permute(0, 2, 1, 3)
            return result

        query, key, value = heads(self.query), heads(self.key), heads(self.value)
        weights = softmax(query @ key.permute(0, 1, 3, 2) / (width // HEADS) ** 0.5, dim=-1)
        result: Tensor = self.output((weights @ value).permute(0, 2, 1, 3).reshape(batch, count, width))
        return result


def build() -> nn.Module:
    """0.8 M weights."""
    return Block()
