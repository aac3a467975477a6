"""Whether kernels that are tuned in turns, as those of a network are, gain from sharing GA-DQN's networks. 4 minutes.

python bench/ga_dqn_together.py [--seeds 8] [--trials 192]

On eight synthetic landscapes, which are formulas: they say how tuners search, not how fast kernels are. Every kernel
has a batch in turn. Compared is the area under the curve of the best so far, of one pair of networks for all, of a
fresh one for each, and of uniform choices in their place, with the same first genes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from report import Bar, report

from eval.kernel_tuners.searchers import GeneSearcher
from eval.kernel_tuners.trials import handed_out
from eval.statistics import iqm_interval
from rllib_envs.kernel_tuning.module_task import ModuleTask
from rllib_envs.kernel_tuning.synthetic import TASKS

BATCH = 8
NOISE = 0.03
"""Standard deviation of a measurement in the logarithm."""
FORMULAS = {ModuleTask(formula.name, formula.name, ()): formula for formula in TASKS}
FIRST_SEED = 200


def searchers(way: str, seed: int) -> list[GeneSearcher]:
    """One for each kernel; the same one for all where they are tuned together."""
    method = "ga_uniform" if way == "uniform" else "ga_dqn"
    own = [GeneSearcher(method, lambda task: FORMULAS[task].space, 10 * seed + place) for place in range(len(FORMULAS))]
    return own[:1] * len(FORMULAS) if way == "together" else own


def areas(way: str, seed: int, trials: int) -> np.ndarray:
    """float [kernels]: the mean of the best so far."""
    noise = np.random.default_rng([seed, 3])
    true: list[list[float]] = [[] for _ in FORMULAS]
    told: list[list[float]] = [[] for _ in FORMULAS]
    asked = list(zip(FORMULAS.items(), searchers(way, seed), true, told, strict=True))
    for _ in range(trials // BATCH):
        for (task, formula), searcher, speeds, scores in asked:
            genes = searcher.ask(task, BATCH, trials)
            found = formula.scores(genes)
            noisy = [speed * float(np.exp(NOISE * noise.standard_normal())) for speed in found]
            searcher.tell(
                task, [(g, 1 / speed if speed else 0.0) for g, speed in zip(genes, noisy, strict=True)], trials
            )
            speeds += found
            scores += noisy
    return np.array([handed_out(*curve).mean() for curve in zip(true, told, strict=True)])


def bar(ratios: Sequence[np.ndarray]) -> dict[str, Bar]:
    """Of float [seeds] a kernel."""
    interval = iqm_interval([list(row) for row in np.transpose(ratios)])
    return {"": Bar(interval.mean, 1.0, "x area"), ", low end": Bar(interval.low, 1.0, "x area")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--trials", type=int, default=192)
    arguments = parser.parse_args()
    bars: dict[str, Bar] = {}
    found = {
        way: [areas(way, seed, arguments.trials) for seed in range(FIRST_SEED, FIRST_SEED + arguments.seeds)]
        for way in ("together", "alone", "uniform")
    }
    for way, other in (("together", "uniform"), ("together", "alone"), ("alone", "uniform")):
        ratios = [one / two for one, two in zip(found[way], found[other], strict=True)]
        bars |= {f"{way} / {other}{suffix}": each for suffix, each in bar(ratios).items()}
    report("ga_dqn_together", bars)


if __name__ == "__main__":
    main()
