"""Where latencies of a platform come from: a table that was measured on it, or a model where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.network_scaling.architecture import FAMILIES, Architecture
from rllib_envs.network_scaling.latency_file import LatencyFile, latency_file_name
from rllib_envs.network_scaling.latency_table import LatencyTable
from rllib_envs.network_scaling.platforms import DEVICES_OF, PLATFORMS
from rllib_envs.network_scaling.profiles import PROFILES
from rllib_envs.network_scaling.scaling import Scaling
from rllib_envs.shipped_data import DATASETS

SHIPPED = DATASETS / "network_scaling_tables" / "latency"
MODELLED = ("basic", "bottleneck")
"""Blocks that published figures are there for; channel-by-channel convolutions are of another kind."""


class LatencySource(Protocol):
    """Latencies of networks on one device."""

    @property
    def batch(self) -> int:
        """Images that are classified at once."""

    @property
    def measured(self) -> bool:
        """Whether they were measured on the device itself, not modelled."""

    @property
    def about(self) -> str:
        """Where they come from, for people."""

    @property
    def within(self) -> tuple[Scaling, Scaling]:
        """The smallest and the largest of each factor that something is known of."""

    def seconds(self, architecture: Architecture) -> float:
        """For a batch. OutsideMeasured where nothing is known of such a network."""


def check_platform(platform: str, device: str) -> None:
    """UserError for a platform or a device that is unknown."""
    devices = DEVICES_OF[choose(platform, PLATFORMS, "platform")]
    choose(device, devices, f"device of {platform}")


def find_latencies(
    network: str,
    platform: str,
    device: str,
    channels: int,
    classes: int,
    scaled_stem: bool = True,
    folders: Sequence[Path] = (),
) -> LatencySource:
    """The table in the first of `folders` that has one, or a shipped one, or else the model.

    UserError for an unknown platform or device, for a table that is damaged, and where there is neither.
    """
    check_platform(platform, device)
    wanted = latency_file_name(network, scaled_stem, platform, device, channels, classes)
    for folder in (*folders, SHIPPED):
        if (folder / wanted).is_file():
            return LatencyTable(LatencyFile.read(folder / wanted))
    if FAMILIES[network].block in MODELLED:
        return PROFILES[platform, device]
    raise UserError(
        f"there is no table of latencies {wanted} in {' or '.join(map(str, (*folders, SHIPPED)))}, and no model for "
        f"{network}; measure one: `python launcher/network_scaling.py script` writes the program that does it there"
    )
