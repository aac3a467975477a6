"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009) from a folder of the user's, in the binary version.

The version for Python holds pickles, which can run anything when they are read; this one holds nothing but bytes: one
or two labels and 3x32x32 pixels an image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.images import Images
from rllib_envs.network_scaling.data.dataset import DataSet, check_images, split

SIZE = 32
PIXELS = 3 * SIZE * SIZE
VALIDATION = 5_000
LARGEST_FILE = 200 << 20
"""Bytes; the largest of the real ones has 154 MB."""
TRAIN10 = tuple(f"data_batch_{number}.bin" for number in range(1, 6))


def load_cifar10(folder: Path | None) -> DataSet:
    """From `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`. UserError where one is missing or damaged."""
    return _load("cifar10", folder, "cifar-10-batches-bin", 10, 1, TRAIN10, "test_batch.bin")


def load_cifar100(folder: Path | None) -> DataSet:
    """From `train.bin` and `test.bin`, with the 100 fine labels. UserError where one is missing or damaged."""
    return _load("cifar100", folder, "cifar-100-binary", 100, 2, ("train.bin",), "test.bin")


def _load(
    name: str, folder: Path | None, inside: str, classes: int, labels: int, train: tuple[str, ...], test: str
) -> DataSet:
    """`inside` is the folder in the archive, `labels` how many there are before each image; the last one counts."""
    if folder is None:
        raise UserError(f"{name} is not shipped; fetch its binary version ({inside}) and name its folder with --folder")
    place = folder / inside if (folder / inside).is_dir() else folder
    for file in (*train, test):
        if not (place / file).is_file():
            raise UserError(f"{place} has no {file}; {name} needs the binary version ({inside})")
    parts = [_read(place / file, labels, classes) for file in train]
    whole = Images(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    if len(whole.labels) <= VALIDATION:
        raise UserError(f"{place} has {len(whole.labels)} training images; {name} has 50,000")
    training, validation = split(whole, len(whole.labels) - VALIDATION)
    return DataSet(name, classes, training, validation, _read(place / test, labels, classes))


def _read(path: Path, labels: int, classes: int) -> Images:
    row = labels + PIXELS
    size = path.stat().st_size
    if not 0 < size <= LARGEST_FILE or size % row:
        raise UserError(f"{path} has {size} bytes, which are no images of {row}; fetch it again, in its binary version")
    rows = np.fromfile(path, np.uint8).reshape(-1, row)
    images = Images(rows[:, labels:].reshape(-1, 3, SIZE, SIZE), rows[:, labels - 1].astype(np.int64))
    check_images(str(path), images, classes)
    return images
