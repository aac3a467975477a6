"""Where frames come from: a folder of images, which are shown over and over, or none, for which noise will do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.stem_sharing.executor.messages import BadNets

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".webp")
SYNTHETIC = 16
"""Different frames, of which computing takes as long as of any others."""
WHITE = 255.0
Shape = tuple[int, int, int]


class Frames(Protocol):
    """A video. What it shows at a frame depends on nothing but its number."""

    def frame(self, number: int, shape: Shape) -> torch.Tensor:
        """float32 [1, channels, height, width], from -1 to 1; `shape` are the last three."""
        ...


class SyntheticFrames:
    """Noise."""

    def __init__(self) -> None:
        self._made: dict[Shape, torch.Tensor] = {}

    def frame(self, number: int, shape: Shape) -> torch.Tensor:
        if shape not in self._made:
            drawn = torch.rand(SYNTHETIC, 1, *shape, generator=torch.Generator().manual_seed(0))
            self._made = {shape: 2 * drawn - 1}
        return self._made[shape][number % SYNTHETIC]


class ImageFolder:
    """Images in the order of their names, as programs write that take videos apart; decoded when they are shown."""

    def __init__(self, folder: Path) -> None:
        """Raises UserError for a folder without images, and for the first that is none."""
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder of images; take the video apart with ffmpeg first")
        self._paths: Sequence[Path] = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        if not self._paths:
            raise UserError(f"{folder} has no images ({', '.join(SUFFIXES)})")
        for path in self._paths:
            self._decoded(path, None)

    def frame(self, number: int, shape: Shape) -> torch.Tensor:
        channels, height, width = shape
        if channels != 3:
            raise BadNets(f"nets are for frames of {channels} channels; images have 3")
        pixels = self._decoded(self._paths[number % len(self._paths)], (width, height))
        scaled = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() * (2 / WHITE) - 1
        return scaled.contiguous()

    def _decoded(self, path: Path, size: tuple[int, int] | None) -> np.ndarray:
        """uint8 [height, width, 3], of its own size or of another."""
        try:
            from PIL import Image
        except ImportError:
            raise MissingPackage("reading images needs Pillow; pip install 'tunewright[stems]'") from None
        try:
            with Image.open(path) as image:
                coloured = image.convert("RGB")
                return np.array(coloured if size is None else coloured.resize(size, Image.Resampling.BILINEAR))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UserError(f"{path} is no image that can be decoded ({error}); remove it or copy it again") from None
