"""Where frames come from: a folder of images, which are shown over and over, or none, for which noise will do."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.executor.messages import BadNets
from rllib_envs.stem_sharing.training.activations import as_frames
from rllib_envs.stem_sharing.training.image_folder import read_image

SYNTHETIC = 16
"""Different frames, of which computing takes as long as of any others."""
TRIAL = 8
"""Pixels a side, which for many formats is decoded sooner than all of it."""
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
    """Images in the order of their names, as programs write that take videos apart; decoded when they are shown, and
    once in the beginning, so that none ends a run. They are seen as in training.
    """

    def __init__(self, folder: Path) -> None:
        """Raises UserError for a folder without images, and BadImage for the first that is none."""
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder of images; take the video apart with ffmpeg first")
        self._paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        if not self._paths:
            raise UserError(f"{folder} has no images; take the video apart with ffmpeg first")
        for path in self._paths:
            read_image(path, TRIAL, TRIAL)

    def frame(self, number: int, shape: Shape) -> torch.Tensor:
        channels, height, width = shape
        if channels != 3:
            raise BadNets(f"nets are for frames of {channels} channels; images have 3")
        pixels = read_image(self._paths[number % len(self._paths)], width, height)
        return as_frames(torch.from_numpy(np.array(pixels))[None])
