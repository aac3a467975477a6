"""`eval/driver.py -m tune` and `-m benchmark`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from eval.network_tuning.benchmark import benchmark_network, write_latencies
from eval.network_tuning.config import NetworkConfig
from eval.network_tuning.network import tune_network
from eval.network_tuning.progress import LiveProgress
from eval.network_tuning.tables import kernels_table, latency_table
from rllib_envs.kernel_tuning.networks.process import NetworkProcess


def run_tune(config: NetworkConfig, console: Console) -> None:
    """Tune each network in turn. What is found is written as it comes; a run that was interrupted goes on."""
    for name in config.models:
        folder = config.folder(name)
        with LiveProgress(console, name) as progress, NetworkProcess(config.target) as networks:
            tuned = tune_network(name, config.target, config.tuner, folder, progress, networks)
        console.print(kernels_table(tuned))
        for left in tuned.left_out:
            console.out(f"{left.name} is not tuned: {left.reason}", highlight=False)
        console.out(f"tuning records of TVM are in {folder}", highlight=False)


def run_benchmark(config: NetworkConfig, console: Console) -> None:
    """Time each network by PyTorch and by TVM, without records and with those of its tuning."""
    found = []
    with NetworkProcess(config.target) as networks:
        for name in config.models:
            with console.status(name) as status:
                latencies = benchmark_network(name, config.records(name), config.run.repeat, networks, status.update)
            path = write_latencies(latencies, Path(config.run.save_path))
            console.out(f"wrote {path}", highlight=False)
            found.append(latencies)
    console.print(latency_table(found))
