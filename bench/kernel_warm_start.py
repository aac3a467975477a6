"""How many trials what GA-DQN knows of other kernels saves on kernels that it never saw.

python bench/kernel_warm_start.py [--seeds 3] [--kernels NAME ...] [--knowledge FOLDER] [--folder DIR]

On each kernel of the suite `kernel_tuning`, built and timed with TVM, GA-DQN tunes for 256 trials from nothing, and
for 128 with the knowledge that is shipped, or another folder of `driver.py -m learn`. Compared is what each hands out
in the end, and counted after how many trials the latter has what the former came to, within 1 %; both by what their
answers come to when they are measured anew, all of a kernel's in turns. 9,200 trials with three seeds, some 30 minutes
on two cores that do nothing else. With `--folder` what was measured is kept there, and what was interrupted goes on;
`python -m eval.results keep DIR NAME TITLE` makes a table and a figure of it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from helpers.kernels import add_folder_option, add_kernels_option, chosen_kernels, kept_or_temporary
from report import Bar, report

from eval.kernel_tuners.contest import RESULTS, Result, write_results
from eval.kernel_tuners.measured_kernels import MeasuredKernel, measured_kernels
from eval.kernel_tuners.methods import METHODS
from eval.kernel_tuners.trials import Trials, run_tuner
from eval.kernel_tuners.verdict import final, trials_to_reach, verdict
from models.ga_dqn.knowledge import read_knowledge
from models.ga_dqn.tuner import Knowledge
from models.shipped import shipped_knowledge
from rllib_envs.errors import UserError, one_line_errors

FRESH, WARM = Trials(256), Trials(128)
FIRST_SEED = 300


def run(kernels: Sequence[MeasuredKernel], seeds: Sequence[int], knowledge: Knowledge) -> Iterator[Result]:
    """From nothing, and with the knowledge; then what either would have handed out is measured anew, all in turns."""
    method = METHODS["ga_dqn"]
    for kernel in kernels:
        courses = {}
        for seed in seeds:
            for name, trials, known in (("fresh", FRESH, None), ("warm", WARM, knowledge)):
                tuner = method.make(kernel.space, seed, trials.count, known)
                courses[name, seed] = run_tuner(tuner, kernel, trials, seed)
        anew = kernel.measured_anew(gene for course in courses.values() for gene in course.answers)
        for (name, seed), course in courses.items():
            result = Result(kernel.name, name, seed, course.run(anew))
            print(f"{kernel.name}, seed {seed}, {name}: {final(result):.1f} GFLOPS", flush=True)
            yield result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    add_kernels_option(parser)
    parser.add_argument("--knowledge", type=Path, default=shipped_knowledge(), help="instead of what is shipped")
    add_folder_option(parser)
    arguments = parser.parse_args()
    if arguments.knowledge is None:
        raise UserError("no knowledge of kernels is shipped; name a folder of driver.py -m learn with --knowledge")
    knowledge = read_knowledge(arguments.knowledge, METHODS["ga_dqn"].settings)
    benchmarks = chosen_kernels(arguments)
    seeds = range(FIRST_SEED, FIRST_SEED + arguments.seeds)
    with kept_or_temporary(arguments) as folder:
        (folder / RESULTS).unlink(missing_ok=True)
        with measured_kernels(benchmarks, folder) as kernels:
            results = write_results(folder / RESULTS, run(kernels, seeds, knowledge))
    ratio = verdict(results, "warm", "fresh", final).over_kernels
    needed = [count for counts in trials_to_reach(results, "warm", "fresh").values() for count in counts]
    bars = {
        "best of 128 trials with knowledge over best of 256 without": Bar(ratio.mean, 1.0, "x"),
        "the same, low end of 95 % over kernels": Bar(ratio.low, 1.0, "x"),
        "trials to what 256 without come to, median": Bar(float(np.median(needed)), 128, "trials", at_least=False),
        "runs that come to it": Bar(100 * float(np.mean(np.isfinite(needed))), 50, "%"),
    }
    report("kernel_warm_start", bars)


if __name__ == "__main__":
    with one_line_errors():
        main()
