"""How good a classifier is."""

from __future__ import annotations

import numpy as np


def accuracy(labels: np.ndarray, found: np.ndarray) -> float:
    """Share of images that are of the class that was found, int64 [images] both."""
    return float((labels == found).mean())


def false_positive_rate(labels: np.ndarray, found: np.ndarray, classes: int) -> float:
    """The mean over classes of the share of others' images that were taken for one of it.

    Classes that all images are of don't count, since none could be taken for one.
    """
    others = [labels != label for label in range(classes)]
    rates = [float((found[other] == label).mean()) for label, other in enumerate(others) if other.any()]
    return sum(rates) / len(rates)
