"""Images as users have them: a folder with one sub-folder for each class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.images import Images

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
"""Pillow's decoders that are used, whatever a file is called; others are hardly ever tried by anybody."""


class BadImage(UserError):
    """A file is no image that can be decoded."""


def read_folder(folder: Path, size: int, classes: Sequence[str] = ()) -> tuple[Images, tuple[str, ...]]:
    """Every image, resized to `size` x `size` pixels, and the names of the classes, which labels are the places of.

    Where `classes` are given, the folder has to have those. Hidden files are left out. UserError where there are fewer
    than two classes, or none for an image; BadImage where one can't be decoded; MissingPackage without Pillow.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; it should have a sub-folder of images for each class")
    found = tuple(path.name for path in _seen(folder) if path.is_dir())
    if len(found) < 2:
        raise UserError(f"{folder} has {len(found)} sub-folders; there has to be one for each class, and two classes")
    if classes and found != tuple(classes):
        odd = min(set(found) ^ set(classes))
        raise UserError(f"{folder} has other classes than the images to learn from: {odd} is only in one of the two")
    pixels, labels = [], []
    for label, name in enumerate(found):
        files = [path for path in _seen(folder / name) if path.is_file()]
        if not files:
            raise UserError(f"{folder / name} has no images; remove it, or fill it")
        pixels += [read_image(path, size, size) for path in files]
        labels += [label] * len(files)
    return Images(np.stack(pixels), np.array(labels, np.int64)), found


def _seen(folder: Path) -> Iterator[Path]:
    """In the order of their names, without hidden ones."""
    return (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))


def read_image(path: Path, width: int, height: int) -> np.ndarray:
    """uint8 [3, height, width], RGB, the right way up. BadImage where the file can't be decoded."""
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise MissingPackage("reading images needs Pillow; pip install 'tunewright[stems]'") from None
    try:
        with Image.open(path, formats=FORMATS) as file:
            file.draft("RGB", (width, height))  # a large JPEG is decoded at a fraction of its size
            image = ImageOps.exif_transpose(file).convert("RGB")
            resized = image.resize((width, height), Image.Resampling.BILINEAR)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadImage(f"{path} can't be decoded as an image ({error}); remove it, or put a sound one there") from None
    return np.asarray(resized, np.uint8).transpose(2, 0, 1)


def hold_out(images: Images, share: float, rng: np.random.Generator) -> tuple[Images, Images]:
    """What is left, and a random share of each class, of at least one image where that leaves one."""
    held, left = [], []
    for label in np.unique(images.labels):
        places = rng.permutation(np.flatnonzero(images.labels == label))
        count = min(max(1, round(share * len(places))), len(places) - 1)
        held.append(places[:count])
        left.append(places[count:])
    return images.take(np.concatenate(left)), images.take(np.concatenate(held))
