"""What is known of the data sets without their files."""

from __future__ import annotations

from collections.abc import Mapping

SHAPES: Mapping[str, tuple[int, int]] = {
    "cifar10": (3, 10),
    "cifar100": (3, 100),
    "digits": (1, 10),
    "fashion_mnist": (1, 10),
}
"""Channels and classes."""
