"""What the commands of network scaling say of a network."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.architecture import Architecture
from rllib_envs.network_scaling.latency import find_latencies
from rllib_envs.network_scaling.latency_file import BATCH
from rllib_envs.network_scaling.layers import costs_of, layers_of
from rllib_envs.network_scaling.places import latency_folder
from rllib_envs.network_scaling.setting import Setting


def show_network(architecture: Architecture) -> None:
    """Its parts, with parameters and multiply-adds."""
    table = Table(title=architecture.network, title_justify="left")
    for column in ("part", "parameters", "numbers given out", "multiply-adds"):
        table.add_column(column, justify="left" if column == "part" else "right")
    layers = layers_of(architecture)
    for part in dict.fromkeys(layer.part for layer in layers):
        of = [layer for layer in layers if layer.part == part]
        sums = (sum(getattr(layer, name) for layer in of) for name in ("parameters", "outputs", "multiply_adds"))
        table.add_row(part, *(f"{number:,}" for number in sums))
    costs = costs_of(architecture)
    table.add_section()
    table.add_row("all", f"{costs.parameters:,}", f"{costs.outputs:,}", f"{costs.multiply_adds:,}")
    Console().print(table)
    print(architecture.key)


def latency_text(setting: Setting, architecture: Architecture, platform: str, device: str, shared: Path) -> str:
    """Measured here where this is the platform; else by a table or a model. It says which."""
    import torch

    from rllib_envs.network_scaling.timing import STEADY, time_network

    if platform == "desktop" and (device == "cpu" or torch.cuda.is_available()):
        timing = time_network(architecture, device)
        steady = "" if timing.steady else f", unsteady: more than {100 * STEADY:.0f} %, so the machine is busy"
        return (
            f"{timing.total:.4g} s for a batch of {BATCH}, measured here "
            f"(two rounds differ by {100 * timing.repeat:.1f} %{steady})"
        )
    try:
        source = find_latencies(
            setting.network,
            platform,
            device,
            setting.channels,
            setting.classes,
            setting.scaled_stem,
            (latency_folder(shared),),
        )
        return f"{source.seconds(architecture):.4g} s for a batch of {source.batch}, {source.about}"
    except UserError as error:
        return f"unknown: {error}"
