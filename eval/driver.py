"""Tune networks for TVM, time them, and compare tuners of kernels, from a JSON configuration.

python eval/driver.py -m tune -c eval/config-example.json         # kernels of networks; leaves tuning records of TVM
python eval/driver.py -m benchmark -c eval/config-example.json    # latency by PyTorch, TVM, and TVM with the records
python eval/driver.py -m learn -c eval/config-example.json        # GA-DQN's knowledge, from kernels of a data set
python eval/driver.py -m experiment -c eval/config-example.json   # tuners against each other
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from rich.console import Console

from eval.kernel_tuners.config import ExperimentConfig, read_config
from eval.kernel_tuners.contest import Result, contest, write_results
from eval.kernel_tuners.experiments import EXPERIMENTS
from eval.kernel_tuners.figures import write_figures
from eval.kernel_tuners.kernels import kernels_of
from eval.kernel_tuners.learning import LearningConfig, read_learning_config, run_learning
from eval.kernel_tuners.tables import kernel_table, method_table
from eval.network_tuning.commands import run_benchmark, run_tune
from eval.network_tuning.config import NetworkConfig, read_network_config
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
            console.out(f"wrote {figure}", highlight=False)


class Mode(NamedTuple):
    """What is read from the configuration's text, what is done with it, and how that is made to save elsewhere."""

    read: Callable[[str], Any]
    run: Callable[[Any, Console], None]
    within: Callable[[Any, Path], Any]


MODES: Mapping[str, Mode] = {
    "tune": Mode(read_network_config, run_tune, NetworkConfig.tuned_within),
    "benchmark": Mode(read_network_config, run_benchmark, NetworkConfig.timed_within),
    "learn": Mode(read_learning_config, run_learning, LearningConfig.within),
    "experiment": Mode(read_config, run_experiments, ExperimentConfig.within),
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"driver.py: {message}; see driver.py --help")


def parsed(arguments: Sequence[str] | None) -> tuple[str, str]:
    """The mode, and the configuration's file or text. UserError where they are wrong."""
    parser = _Parser(prog="driver.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-m", "--mode", required=True, choices=MODES)
    parser.add_argument("-c", "--config", required=True, help="a JSON file, or JSON")
    chosen = parser.parse_args(arguments)
    return chosen.mode, chosen.config


def make_console() -> Console:
    return Console(width=None if sys.stdout.isatty() else FILE_WIDTH)


def main(arguments: Sequence[str] | None = None) -> None:
    with one_line_errors():
        mode, config = parsed(arguments)
        MODES[mode].run(MODES[mode].read(config), make_console())


if __name__ == "__main__":
    main()
