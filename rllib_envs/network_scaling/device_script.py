"""Measure the parts of a base network on this device, and write a table of latencies.

python measure_latency.pyz --platform raspberrypi --device cpu --out raspberrypi_cpu.json

It needs PyTorch alone, and Python 3.10. A table that is begun is gone on with.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from rllib_envs.errors import UserError, one_line_errors
from rllib_envs.network_scaling.architecture import FAMILIES, Architecture, architecture_of, network_name
from rllib_envs.network_scaling.latency_file import BATCH, HOW, LatencyFile, Measured
from rllib_envs.network_scaling.platforms import DEVICES_OF, PLATFORMS
from rllib_envs.network_scaling.scaling import TENTHS, Scaling, parse_scaling
from rllib_envs.network_scaling.timing import DEVICES, time_parts

DONOR_BLOCKS = 2
"""In each stage: its first, and one that stands for all others, which are alike."""
WIDTHS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
RESOLUTIONS = (8, 16, 24, 32)


def donor(network: str, scaling: Scaling, channels: int, classes: int, scaled_stem: bool) -> Architecture:
    """The shallowest network that has every part."""
    found = architecture_of(network, scaling, channels, classes, scaled_stem)
    return replace(found, blocks=(DONOR_BLOCKS,) * len(found.blocks))


def measure(table: LatencyFile, path: Path, scalings: list[Scaling]) -> None:
    """Measure what the file lacks. It is written after each network, so that nothing is lost."""
    for number, scaling in enumerate(scalings, 1):
        if table.find(scaling) is None:
            architecture = donor(table.network, scaling, table.channels, table.classes, table.scaled_stem)
            times = time_parts(architecture, table.device, table.batch)
            seconds = {part: float(f"{one:.4g}") for part, one in times.seconds.items()}
            pace = float(f"{times.pace:.4g}")
            row = Measured(scaling.width, scaling.resolution, round(times.repeat, 4), pace, seconds)
            table = table.with_row(row)
            table.write(path)
            print(
                f"{number} of {len(scalings)}: width {scaling.width / TENTHS:g}, {scaling.resolution} pixels",
                flush=True,
            )


def this_device(device: str) -> str:
    """What the figures are of, for people."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(("model name", "Model"))]
    return names[-1] if names else platform.processor() or platform.machine()


@dataclass(frozen=True)
class Request:
    """What is to be measured; also the options of the script."""

    platform: str
    out: Path
    device: str = "cpu"
    model: str = "preactresnet18"
    widths: Sequence[float] = WIDTHS
    resolutions: Sequence[int] = RESOLUTIONS
    channels: int = 3
    classes: int = 100
    batch: int = BATCH
    unscaled_stem: bool = False


def parser() -> argparse.ArgumentParser:
    described = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    described.add_argument("-p", "--platform", required=True, choices=PLATFORMS)
    described.add_argument("-v", "--device", default="cpu", choices=DEVICES)
    described.add_argument("-m", "--model", default="preactresnet18", help=f"one of {', '.join(FAMILIES)}")
    described.add_argument("--widths", type=float, nargs="+", default=WIDTHS, help="factors, in steps of 0.1")
    described.add_argument("--resolutions", type=int, nargs="+", default=RESOLUTIONS, help="pixels")
    described.add_argument("--channels", type=int, default=3, help="of the images")
    described.add_argument("--classes", type=int, default=100)
    described.add_argument("--batch", type=int, default=BATCH, help="images at once")
    described.add_argument("--unscaled-stem", action="store_true", help="keep the channels of the first convolution")
    described.add_argument("--out", type=Path, required=True, help="the table to write, or to go on with")
    return described


def run(options: Request) -> None:
    """Measure what is asked for and isn't in the file yet. UserError where it makes no sense."""
    if options.device not in DEVICES_OF[options.platform]:
        raise UserError(
            f"a {options.platform} has no {options.device}; known: {', '.join(DEVICES_OF[options.platform])}"
        )
    for name in ("channels", "classes", "batch"):
        if getattr(options, name) < 1:
            raise UserError(f"--{name} is {getattr(options, name)}; it must be at least 1")
    table = LatencyFile(
        network=network_name(options.model),
        scaled_stem=not options.unscaled_stem,
        platform=options.platform,
        device=options.device,
        batch=options.batch,
        channels=options.channels,
        classes=options.classes,
        measured_on=f"{this_device(options.device)}, PyTorch {torch.__version__}",
        how=HOW[options.device],
        when=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    scalings = [parse_scaling(width, 1.0, size) for width in options.widths for size in options.resolutions]
    if options.out.exists():
        table = LatencyFile.read(options.out).continued_by(table, options.out)
    measure(table, options.out, scalings)
    print(f"{options.out}: {options.model} on {options.platform} {options.device}, {len(scalings)} networks")


def main(arguments: list[str] | None = None) -> None:
    options = Request(**vars(parser().parse_args(arguments)))
    with one_line_errors():
        run(options)


if __name__ == "__main__":
    main()
