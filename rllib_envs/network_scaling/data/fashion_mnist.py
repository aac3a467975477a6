"""Fashion-MNIST (Xiao, Rasul and Vollgraf 2017, arXiv 1708.07747), as Debian's package dataset-fashion-mnist has it."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.images import Images
from rllib_envs.network_scaling.data.dataset import DataSet, check_images, split

INSTALLED = Path("usr/share/datasets/fashion-mnist")
"""Under the root, or under the folder that the package was unpacked into."""
PACKAGE = "dataset-fashion-mnist"
HOW = (
    f"install it with: apt-get install {PACKAGE} -- or, without being root: apt-get download {PACKAGE} && "
    "dpkg-deb -x dataset-fashion-mnist_*.deb FOLDER, and name that folder with --folder"
)
VALIDATION = 10_000
"""Of the 60,000 training images."""
CLASSES = 10
UNSIGNED_BYTES = 0x08
LARGEST_FILE = 60_000 * 28 * 28 + 64
"""Bytes: nothing that claims to be larger is unpacked."""


def load_fashion_mnist(folder: Path | None = None) -> DataSet:
    """From a folder that holds the four files, or the unpacked package; by default from where it is installed.

    UserError where they are missing or damaged.
    """
    place = _place(folder)
    train, validation = split(_images(place, "train"), 60_000 - VALIDATION)[:2]
    return DataSet("fashion_mnist", CLASSES, train, validation, _images(place, "t10k"))


def _place(folder: Path | None) -> Path:
    candidates = [Path("/") / INSTALLED] if folder is None else [folder, folder / INSTALLED]
    for place in candidates:
        if (place / "train-images-idx3-ubyte.gz").is_file():
            return place
    raise UserError(f"Fashion-MNIST is not in {' or '.join(map(str, candidates))}; {HOW}")


def _images(place: Path, part: str) -> Images:
    pixels = read_idx(place / f"{part}-images-idx3-ubyte.gz", 3)
    labels = read_idx(place / f"{part}-labels-idx1-ubyte.gz", 1).astype(np.int64)
    if len(pixels) != len(labels):
        raise UserError(f"{place} has {len(pixels)} images and {len(labels)} labels of {part}; {HOW}")
    images = Images(pixels[:, None], labels)
    check_images(f"Fashion-MNIST in {place}", images, CLASSES)
    return images


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """uint8 array of a gzipped IDX file: four bytes that say what follows, each size as a big-endian number, the data.

    UserError where it is none with so many dimensions.
    """
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} can't be read ({type(error).__name__}: {error}); {HOW}") from None
    head = 4 + 4 * dimensions
    sizes = np.frombuffer(content[4:head], ">u4").astype(int)
    begins_right = content[:4] == bytes((0, 0, UNSIGNED_BYTES, dimensions)) and len(sizes) == dimensions
    if not begins_right or len(content) != head + int(np.prod(sizes)):
        raise UserError(f"{path} is no IDX file of bytes in {dimensions} dimensions, or was cut off; {HOW}")
    return np.frombuffer(content, np.uint8, offset=head).reshape(sizes).copy()  # PyTorch wants to be able to write
