"""Whether the sum of a network's parts is its latency, and how long one candidate takes to train. On an idle machine.

python bench/network_scaling_latency.py [--batch 64] [--folder FOLDER]

A table is measured as `launcher/network_scaling.py measure` does it; then networks that are not in it, of any width,
depth and resolution of its region, are timed as a whole. The candidate is PreActResNet-18 of a quarter of its width on
10,000 images of Fashion-MNIST, for one epoch. Takes about 3 minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from report import Bar, report
from rich.console import Console
from rich.table import Table

from rllib_envs.errors import UserError
from rllib_envs.images import Images
from rllib_envs.network_scaling.architecture import architecture_of
from rllib_envs.network_scaling.data import load_data_set
from rllib_envs.network_scaling.data.dataset import DataSet
from rllib_envs.network_scaling.device_script import Request, run
from rllib_envs.network_scaling.latency_file import BATCH, LatencyFile
from rllib_envs.network_scaling.latency_table import LatencyTable
from rllib_envs.network_scaling.scaling import Scaling
from rllib_envs.network_scaling.timing import time_network
from rllib_envs.network_scaling.training import train
from rllib_envs.network_scaling.training_setting import TrainingSetting

NETWORK = "preactresnet18"
WIDTHS, RESOLUTIONS = (0.1, 0.2, 0.3, 0.5), (8, 16, 24, 32)
UNSEEN = 20
QUARTER = (16, 32, 64, 128)
"""Channels of the stages at a quarter of the width."""


def unseen(count: int) -> list[Scaling]:
    """Random scalings that were not measured."""
    rng, found = np.random.default_rng(0), list[Scaling]()
    while len(found) < count:
        scaling = Scaling(int(rng.integers(1, 6)), int(rng.integers(1, 26)), int(rng.integers(8, 33)))
        if scaling.resolution not in RESOLUTIONS and scaling not in found:
            found.append(scaling)
    return found


def errors(batch: int) -> list[float]:
    """Of each unseen network, in percent."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "table.json"
        with contextlib.redirect_stdout(io.StringIO()):
            run(Request("desktop", out, widths=WIDTHS, resolutions=RESOLUTIONS, channels=1, classes=10, batch=batch))
        latencies = LatencyTable(LatencyFile.read(out))
    table = Table(title=f"seconds for a batch of {batch}", title_justify="left")
    for column in ("network", "sum of its parts", "as a whole", "error"):
        table.add_column(column, justify="right")
    found = []
    for scaling in unseen(UNSEEN):
        architecture = architecture_of(NETWORK, scaling, 1, 10)
        timing = time_network(architecture, batch=batch)
        total, whole = latencies.seconds(architecture), timing.total * latencies.file.pace / timing.pace
        found.append(100 * (total / whole - 1))
        table.add_row(str(scaling), f"{total:.4g}", f"{whole:.4g}", f"{found[-1]:+.1f} %")
    Console().print(table)
    return found


def images(folder: Path | None) -> DataSet:
    """Fashion-MNIST, or noise of its shape where it isn't installed: training takes the same time."""
    try:
        return load_data_set("fashion_mnist", folder)
    except UserError as error:
        print(f"random images, whose accuracy means nothing: {error}")
    rng = np.random.default_rng(0)
    train, validation = (
        Images(rng.integers(0, 256, (count, 1, 28, 28), np.uint8), rng.integers(0, 10, count))
        for count in (10_000, 5_000)
    )
    return DataSet("random", 10, train, validation, validation)


def candidate_seconds(folder: Path | None) -> float:
    data = images(folder)
    scaled = architecture_of(NETWORK, Scaling(3, 10, 32), data.channels, data.classes)
    quarter = replace(scaled, stem=QUARTER[0], widths=QUARTER)
    trained = train(quarter, data, TrainingSetting())
    print(f"one candidate, {trained.how}: {trained.seconds:.1f} s, {trained.accuracy:.1f} % accuracy")
    return trained.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--folder", type=Path, help="where Fashion-MNIST is, if it isn't installed")
    arguments = parser.parse_args()
    found = errors(arguments.batch)
    report(
        "network_scaling_latency",
        {
            "sum of parts: mean absolute error": Bar(float(np.mean(np.abs(found))), 8.0, "%", at_least=False),
            "one live candidate": Bar(candidate_seconds(arguments.folder), 15.0, "s", at_least=False),
        },
    )


if __name__ == "__main__":
    main()
