"""The commands that make tables of accuracies and of latencies."""

from __future__ import annotations

from launcher.options import at_least
from launcher.progress_line import ProgressLine
from launcher.scaling.options import ImportOptions, MeasureOptions, RecordOptions, ScriptOptions
from rllib_envs.errors import UserError
from rllib_envs.network_scaling.accuracy_table import AccuracyTable
from rllib_envs.network_scaling.architecture import network_name
from rllib_envs.network_scaling.bundle import write_device_script
from rllib_envs.network_scaling.grid import Grid
from rllib_envs.network_scaling.latency import check_platform
from rllib_envs.network_scaling.latency_file import LatencyFile, latency_file_name
from rllib_envs.network_scaling.latency_table import LatencyTable
from rllib_envs.network_scaling.places import latency_folder, own_folder
from rllib_envs.network_scaling.recording import record_table
from rllib_envs.network_scaling.scaling import parse_scaling
from rllib_envs.network_scaling.trainer import Trainer
from rllib_envs.torch_threads import torch_threads


def run_record(options: RecordOptions) -> None:
    """Train what the table lacks."""
    at_least(("--threads", options.threads, 1), ("--seeds", options.seeds, 1))
    if options.table.suffix != ".json":
        raise UserError(f"--table is {options.table}; name a .json file, beside which its records are kept")
    if options.table.exists():
        table = AccuracyTable.read(options.table)
        print(f"going on with {options.table}: {table.setting.key}")
    else:
        table = AccuracyTable(options.table, options.setting, _grid(options), options.seeds)
        table.write()
    with torch_threads(options.threads):
        record_table(table, Trainer(options.folder), ProgressLine("trainings"))
    cells = AccuracyTable.read(options.table).cells
    best = max(cells.values(), key=lambda cell: cell.mean)
    print(f"{options.table}: {len(cells)} networks, the best with {best.mean:.2f} % (spread {best.spread:.2f})")


def _grid(options: RecordOptions) -> Grid:
    widths = [parse_scaling(width, 1.0, 32).width for width in options.widths]
    depths = [parse_scaling(1.0, depth, 32).depth for depth in options.depths]
    return Grid.from_json({"widths": widths, "depths": depths, "resolutions": options.resolutions})


def run_measure(options: MeasureOptions) -> None:
    """Into one's own folder, where searches look first."""
    from rllib_envs.network_scaling.device_script import Request, run

    check_platform(options.platform, options.device)
    channels, classes = options.shape
    name = latency_file_name(
        network_name(options.model), not options.unscaled_stem, options.platform, options.device, channels, classes
    )
    run(
        Request(
            platform=options.platform,
            out=latency_folder(options.shared or own_folder()) / name,
            device=options.device,
            model=options.model,
            widths=options.widths,
            resolutions=options.resolutions,
            channels=channels,
            classes=classes,
            batch=options.batch,
            unscaled_stem=options.unscaled_stem,
        )
    )


def run_script(options: ScriptOptions) -> None:
    write_device_script(options.out)
    print(f"{options.out}: copy it to the device, and run there: python3 {options.out.name} --help")


def run_import(options: ImportOptions) -> None:
    """UserError for what is no complete table; one that is there is replaced."""
    file = LatencyFile.read(options.table)
    table = LatencyTable(file)
    place = latency_folder(options.shared or own_folder()) / file.name
    file.write(place)
    print(f"{place}: {file.network} on {file.platform} {file.device}, {table.region}, {table.about}")
