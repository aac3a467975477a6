"""The data sets by name. Each is split in three: training, validation (which searches select by), and test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from rllib_envs.names import choose
from rllib_envs.network_scaling.data.cifar import load_cifar10, load_cifar100
from rllib_envs.network_scaling.data.dataset import DataSet
from rllib_envs.network_scaling.data.digits import load_digits
from rllib_envs.network_scaling.data.fashion_mnist import load_fashion_mnist
from rllib_envs.network_scaling.data.shapes import SHAPES

DATA_SETS: Mapping[str, Callable[[Path | None], DataSet]] = {
    "cifar10": load_cifar10,
    "cifar100": load_cifar100,
    "digits": load_digits,
    "fashion_mnist": load_fashion_mnist,
}


def load_data_set(name: str, folder: Path | None = None) -> DataSet:
    """Read a data set from a folder, or from where it is installed.

    UserError where there is none of that name, and where its files are missing or damaged. MissingPackage for digits
    without scikit-learn.
    """
    return DATA_SETS[choose(name, DATA_SETS, "data set of images")](folder)


__all__ = ["DATA_SETS", "SHAPES", "DataSet", "load_data_set"]
