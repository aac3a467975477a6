"""What the layers below a freeze point give for each image: computed once, and kept while the layers above learn."""

from __future__ import annotations

import torch
from torch import nn

from rllib_envs.stem_sharing.layered.registry import between

MOST_KEPT = 1 << 30
"""Bytes. Behind the first layers of a network activations are much larger than images."""
AT_ONCE = 64


def as_frames(pixels: torch.Tensor) -> torch.Tensor:
    """uint8 [count, 3, height, width] as networks take them: float32 from -1 to 1."""
    return (pixels.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


class Activations:
    """Of some images, for freeze points that never fall."""

    def __init__(self, layers: nn.Sequential, pixels: torch.Tensor, most: int = MOST_KEPT) -> None:
        """`layers` are a base network's, in the state for inference; `pixels` are uint8 [count, 3, height, width]."""
        self._layers, self._most = layers, most
        self._kept, self.point = pixels, 0
        self.computed = 0
        """Images times layers that were run, which shows that none was run twice."""

    def __len__(self) -> int:
        return len(self._kept)

    def move_to(self, point: int) -> None:
        """Compute those at a freeze point from what is kept, and keep them in its place unless they are too large."""
        if point <= self.point:
            return
        parts: list[torch.Tensor] = []
        for start in range(0, len(self), AT_ONCE):
            part = self._between(self._kept[start : start + AT_ONCE], point)
            if not parts and part[:1].nbytes * len(self) > self._most:
                return
            parts.append(part)
        self._kept, self.point = torch.cat(parts), point

    def take(self, places: torch.Tensor | slice, point: int) -> torch.Tensor:
        """Of some images at a freeze point, to learn from: float32 [count, ...]."""
        return self._between(self._kept[places], point)

    def _between(self, kept: torch.Tensor, point: int) -> torch.Tensor:
        with torch.no_grad():
            passed = kept if self.point else as_frames(kept)
            self.computed += len(kept) * (point - self.point)
            found: torch.Tensor = between(self._layers, self.point, point)(passed)
            return found
