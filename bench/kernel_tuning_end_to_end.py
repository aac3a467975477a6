"""What tuning does to a whole network, and whose kernels are faster, ours or those of TVM's own search.

python bench/kernel_tuning_end_to_end.py [--network resnet18] [--minutes 20] [--kernel-seconds 60]

First the kernels of a network are tuned for so many minutes (20), and its latency is compared with that of TVM without
schedules and of PyTorch, with all outputs verified. Then each kernel of the suite `kernel_tuning` is tuned for so many
seconds (60) by GA-DQN and for as many by MetaSchedule's evolutionary search with XGBoost, with the same measuring, and
the best of both are measured anew in turns. 0 leaves a part out. With `--folder` everything is kept there, and what was
interrupted goes on. About 40 minutes.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from helpers.kernels import add_folder_option, add_kernels_option, chosen_kernels, kept_or_temporary
from report import Bar, report
from rich.console import Console
from rich.table import Table

from eval.budget import Budget
from eval.kernel_tuners.searchers import TUNERS, TVM, Searcher, make_searcher
from eval.network_tuning.allotment import Standing
from eval.network_tuning.benchmark import benchmark_network
from eval.network_tuning.config import AutotunerSettings
from eval.network_tuning.journal import TRIALS, Journal
from eval.network_tuning.network import tune_network
from eval.network_tuning.progress import LiveProgress
from eval.network_tuning.tables import kernels_table, latency_table, short
from eval.network_tuning.tuning import Tuning
from rllib_envs.errors import one_line_errors
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.measured_on import measured_on
from rllib_envs.kernel_tuning.networks.names import NETWORKS
from rllib_envs.kernel_tuning.networks.process import NetworkProcess
from rllib_envs.kernel_tuning.task import NATIVE, KernelTask

OVER_UNTUNED, OVER_TVM_SEARCH = 3.0, 0.95
BATCH = 8
ROUNDS = 5
"""Of measuring anew, in which both have their turn; the fastest counts."""


def network_bars(arguments: argparse.Namespace, folder: Path, console: Console) -> dict[str, Bar]:
    settings = AutotunerSettings(tuner=arguments.tuner, minutes=arguments.minutes)
    name = arguments.network
    with NetworkProcess() as networks:
        with LiveProgress(console, name) as progress:
            tuned = tune_network(name, NATIVE, settings, folder / name, progress, networks)
        console.print(kernels_table(tuned))
        found = benchmark_network(name, folder / name, ROUNDS, networks)
    console.print(latency_table([found]))
    return {f"{name}, TVM tuned over untuned": Bar(found.over_untuned, OVER_UNTUNED, "x")}


def kernel_bars(arguments: argparse.Namespace, folder: Path, console: Console) -> dict[str, Bar]:
    names = (arguments.tuner, TVM)
    table = Table(title=f"{arguments.kernel_seconds:g} s each, measured anew", title_justify="left")
    for column in ("kernel", *(f"{name}, trials" for name in names), *names, f"{arguments.tuner} / {TVM}"):
        table.add_column(column, justify="left" if column == "kernel" else "right")
    ratios = []
    for kernel, standings, (ours, theirs) in duels(names, arguments, folder, console):
        ratios.append(theirs / ours)
        trials = (str(standing.trials) for standing in standings)
        table.add_row(kernel, *trials, short(ours), short(theirs), f"{ratios[-1]:.3f}")
    console.print(table)
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    return {f"speed of {arguments.tuner}'s kernels over {TVM}'s": Bar(mean, OVER_TVM_SEARCH, "x")}


def duels(
    names: Sequence[str], arguments: argparse.Namespace, folder: Path, console: Console
) -> Iterator[tuple[str, list[Standing], list[float]]]:
    """For each kernel its name, how far the two tuners came, and the seconds of their best, measured anew."""
    benchmarks = chosen_kernels(arguments)
    with MeasuringCrew() as crew:
        searchers = [make_searcher(name, lambda task: crew.open(task).space, arguments.seed) for name in names]
        try:
            for searcher in searchers:
                searcher.start()
            for benchmark in benchmarks:
                task = KernelTask.from_benchmark(benchmark)
                crew.open(task)  # not of any tuner's time
                standings = [
                    tuned_kernel(searcher, task, crew, folder / benchmark.name / name, arguments, console)
                    for searcher, name in zip(searchers, names, strict=True)
                ]
                yield benchmark.name, standings, measured_anew(task, standings, crew)
        finally:
            for searcher in searchers:
                searcher.close()


def tuned_kernel(
    searcher: Searcher,
    task: KernelTask,
    crew: MeasuringCrew,
    folder: Path,
    arguments: argparse.Namespace,
    console: Console,
) -> Standing:
    head = {"kernel": task.text, "tuner": folder.name, "seed": arguments.seed, "measured_on": measured_on()}
    budget = Budget(seconds=arguments.kernel_seconds)
    with (
        closing(Journal(folder / TRIALS, head)) as journal,
        LiveProgress(console, f"{folder.parent.name}, {folder.name}") as progress,
    ):
        (standing,) = Tuning(searcher, crew, journal, budget, BATCH, progress).run([(task, 1)])
    return standing


def measured_anew(task: KernelTask, standings: Sequence[Standing], crew: MeasuringCrew) -> list[float]:
    """Seconds of the fastest of some rounds. What no schedule was found for counts as it is without."""
    found: list[list[float]] = [[] for _ in standings]
    for _ in range(ROUNDS):
        for standing, seconds in zip(standings, found, strict=True):
            if standing.schedule is not None:
                seconds += [one.seconds for one in crew.measure(task, [standing.schedule]) if one.seconds]
    return [min(seconds, default=standing.untuned) for standing, seconds in zip(standings, found, strict=True)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=NETWORKS, default="resnet18")
    parser.add_argument("--minutes", type=float, default=20.0, help="of tuning the network; 0 leaves it out")
    parser.add_argument("--kernel-seconds", type=float, default=60.0, help="of each tuner; 0: leave it out")
    add_kernels_option(parser)
    parser.add_argument("--tuner", choices=[name for name in TUNERS if name != TVM], default="ga_dqn")
    parser.add_argument("--seed", type=int, default=0)
    add_folder_option(parser)
    arguments = parser.parse_args()
    console = Console(width=None if Console().is_terminal else 140)
    bars: dict[str, Bar] = {}
    with kept_or_temporary(arguments) as folder:
        if arguments.minutes:
            bars |= network_bars(arguments, folder, console)
        if arguments.kernel_seconds:
            bars |= kernel_bars(arguments, folder, console)
    report("kernel_tuning_end_to_end", bars)


if __name__ == "__main__":
    with one_line_errors():
        main()
