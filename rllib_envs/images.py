"""Images with labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Images(NamedTuple):
    """Some images."""

    pixels: np.ndarray
    """uint8 [count, channels, height, width]."""
    labels: np.ndarray
    """int64 [count]."""

    def take(self, places: np.ndarray | slice) -> Images:
        return Images(self.pixels[places], self.labels[places])
