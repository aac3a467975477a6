"""1,797 handwritten digits of 8x8 pixels, which come with scikit-learn: small enough for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rllib_envs.errors import MissingPackage
from rllib_envs.images import Images
from rllib_envs.network_scaling.data.dataset import DataSet, split

TRAIN, VALIDATION = 1200, 300
BRIGHTEST = 16
"""Of a pixel, as scikit-learn has them."""


def load_digits(folder: Path | None = None) -> DataSet:
    """MissingPackage without scikit-learn. `folder` is not looked at."""
    try:
        from sklearn import datasets
    except ImportError:
        raise MissingPackage("the data set digits needs scikit-learn; pip install 'tunewright[dev]'") from None
    found = datasets.load_digits()
    pixels = np.rint(found.images * (255 / BRIGHTEST)).astype(np.uint8)[:, None]
    train, validation, test = split(Images(pixels, found.target.astype(np.int64)), TRAIN, VALIDATION)
    return DataSet("digits", 10, train, validation, test, mirrored=False)
