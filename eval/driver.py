"""Tune networks for TVM, time them, and compare tuners of kernels, from a JSON configuration.

python eval/driver.py -m tune -c eval/config-example.json         # kernels of networks; leaves tuning records of TVM
python eval/driver.py -m benchmark -c eval/config-example.json    # latency by PyTorch, TVM, and TVM with the records
python eval/driver.py -m experiment -c eval/config-example.json   # tuners against each other
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from eval.kernel_tuners.config import ExperimentConfig, read_config
from eval.kernel_tuners.contest import Result, contest, write_results
from eval.kernel_tuners.experiments import EXPERIMENTS
from eval.kernel_tuners.figures import write_figures
from eval.kernel_tuners.kernels import kernels_of
from eval.kernel_tuners.tables import kernel_table, method_table
from eval.network_tuning.commands import run_benchmark, run_tune
from eval.network_tuning.config import read_network_config
from rllib_envs.errors import UserError, one_line_errors

FILE_WIDTH = 140
"""Columns of tables that go to a file, which are not cut to a terminal's."""


def run_experiments(config: ExperimentConfig, console: Console) -> None:
    """Run each in turn. Results are written as they come; tables and figures follow from them."""
    kernels, folder = kernels_of(config.kernels), Path(config.save_path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"folder {folder} can't be made: {error.strerror}; choose another save_path") from None
    for name in config.names:
        methods, path = EXPERIMENTS[name](), folder / f"{name}.jsonl"
        path.unlink(missing_ok=True)
        total = len(methods) * len(kernels) * config.seeds
        done: list[Result] = []
        with console.status("") as status:
            for result in contest(kernels, methods, range(config.seeds), config.how, config.workers):
                done += write_results(path, [result])
                status.update(f"{name}: {len(done)} of {total} runs; {result.kernel}, {result.method}")
        base = done[0].method
        console.print(kernel_table(done, base), method_table(done, base))
        for figure in (path, *write_figures(done, folder, f"{name}_")):
            console.print(f"wrote {figure}", highlight=False)


MODES: Mapping[str, Callable[[str, Console], None]] = {
    "tune": lambda text, console: run_tune(read_network_config(text), console),
    "benchmark": lambda text, console: run_benchmark(read_network_config(text), console),
    "experiment": lambda text, console: run_experiments(read_config(text), console),
}
"""By name: what is done with the configuration's text."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--mode", required=True, choices=MODES)
    parser.add_argument("-c", "--config", required=True, help="a JSON file, or JSON")
    chosen = parser.parse_args(arguments)
    with one_line_errors():
        console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
        MODES[chosen.mode](chosen.config, console)


if __name__ == "__main__":
    main()
