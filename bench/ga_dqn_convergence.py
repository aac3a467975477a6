"""How fast tuners of kernels find fast ones: random, genetic, GA-DQN and what its networks are worth.

python bench/ga_dqn_convergence.py [--seeds 10] [--trials 256] [--workers 2]
python bench/ga_dqn_convergence.py --measured --folder DIR [--seeds 5] [--kernels NAME ...]

Each tuner has the same number of trials and, with the same seed, begins with the same random genes. Compared is the
area under the curve of the best so far. `ga_uniform` is GA-DQN with its networks' choices replaced by uniform ones;
`ga_dqn_trained` starts with networks that were trained on the seven other kernels, and with genes that are promising by
what was measured there; `ga_uniform_trained` has the latter alone. By default on synthetic landscapes,
which are formulas: they say how tuners search, not how fast kernels are. With `--measured` on the kernels of the suite
`kernel_tuning`, built and timed with TVM, a tenth of a second and more for each trial: 90,000 trials with five seeds.
The networks are then trained on the other ones of those, or with `--train-on synthetic` on formulas, and know no real
kernel before. With `--folder` what was measured is kept there, and what was interrupted goes on.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from helpers.kernels import add_folder_option, add_kernels_option, chosen_kernels, kept_or_temporary
from report import Bar, report
from rich.console import Console

from eval.kernel_tuners.contest import RESULTS, Result, contest, write_results
from eval.kernel_tuners.measured_kernels import measured_kernels
from eval.kernel_tuners.methods import METHODS
from eval.kernel_tuners.tables import kernel_table, method_table
from eval.kernel_tuners.trials import Trials
from eval.kernel_tuners.verdict import overhead_ms, repeated_percent, verdict
from rllib_envs.errors import one_line_errors
from rllib_envs.kernel_tuning.synthetic import TASKS

DUELS = (
    ("ga_dqn", "ga", 1.05),
    ("ga_dqn", "random", 1.20),
    ("ga_dqn", "ga_uniform", 1.0),
    ("ga_dqn_trained", "ga", 1.05),
    ("ga_dqn_trained", "random", 1.20),
    ("ga_dqn_trained", "ga_uniform", 1.0),
    ("ga_dqn_trained", "ga_uniform_trained", 1.0),
    ("ga_dqn", "published_ga_dqn", 1.0),
)
"""Who has to be how many times better than whom, by the area under the curve."""
FIRST_SEED = 100
"""Settings were chosen on some of these kernels with seeds below."""
OVERHEAD_MS = 5.0


def bars_of(results: Sequence[Result]) -> dict[str, Bar]:
    """Means, and the lower ends of their intervals over seeds."""
    bars = {}
    for method, other, goal in DUELS:
        found = verdict(results, method, other)
        bars[f"{method} / {other}"] = Bar(found.over_kernels.mean, goal, "x area")
        bars[f"{method} / {other}, low end"] = Bar(found.over_seeds.low, 1.0, "x area")
    for method in ("ga_dqn", "ga_dqn_trained"):
        bars[f"{method} overhead"] = Bar(overhead_ms(results, method), OVERHEAD_MS, "ms per trial", at_least=False)
        bars[f"{method} repeated"] = Bar(repeated_percent(results, method), 0, "% of trials", at_least=False)
    return bars


def run(arguments: argparse.Namespace, folder: Path) -> Iterator[Result]:
    """All runs, as they come."""
    seeds, trials = range(FIRST_SEED, FIRST_SEED + arguments.seeds), Trials(arguments.trials)
    if not arguments.measured:
        yield from contest(TASKS, METHODS, seeds, trials, arguments.workers)
        return
    teachers = TASKS if arguments.train_on == "synthetic" else None
    with measured_kernels(chosen_kernels(arguments), folder) as kernels:
        yield from contest(kernels, METHODS, seeds, replace(trials, noise=0.0), teachers=teachers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=256)
    parser.add_argument("--workers", type=int, default=1, help="processes; for landscapes only")
    parser.add_argument("--measured", action="store_true", help="real kernels instead of synthetic landscapes")
    add_kernels_option(parser)
    parser.add_argument("--train-on", choices=("others", "synthetic"), default="others", help="for --measured")
    add_folder_option(parser)
    arguments = parser.parse_args()
    with kept_or_temporary(arguments) as folder:
        (folder / RESULTS).unlink(missing_ok=True)
        results = write_results(folder / RESULTS, run(arguments, folder))
    console = Console(width=140)
    console.print(kernel_table(results, "ga"), method_table(results, "ga"))
    report("ga_dqn_convergence", bars_of(results))


if __name__ == "__main__":
    with one_line_errors():
        main()
