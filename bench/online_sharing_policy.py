"""Whether a policy decides better when to redeploy than who solves exactly at every event, on traces it never saw.

python bench/online_sharing_policy.py [--trainer ppo] [--minutes 10] [--traces 10] [--run runs/<name>]

`tunewright train` on random traces with 4 to 8 applications at a time; then held-out ones of the same sizes. The policy
is judged by the end of its episode: by all of its decisions, each of them the one that it thinks best, taken without
knowing what comes and never taken back. What tools hand out otherwise, the best state on the way, would be chosen in
hindsight. The rules decide under the same conditions. The search, which knows the whole trace, is there to show what
knowing the future would be worth. Takes --minutes and two more; with --run, which names a trained run, only the latter.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
from helpers.training import add_training_options, given_or_trained
from report import Bar, report
from rich.console import Console
from rich.table import Table

from eval.budget import Budget
from eval.searches import make_search
from eval.searches.run import run_search
from models.policy import Policy
from rllib_envs.online_sharing.generate import random_suite
from rllib_envs.online_sharing.problem import OnlineSharing
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import Benchmark
from rllib_envs.stem_sharing.events import EventLength

SIZES = range(4, 9)
"""Applications at a time, at most."""
DATASET, SEED = "online_sharing_random", 1
"""What is trained on has another seed."""
CLAIRVOYANT, TRIED = "annealing", 2000
"""A search, and how many ways to decide it looks at."""
SAMPLES = 10_000
"""Of the held-out traces with replacement, for an interval (Efron 1979)."""


def decided(policy: Policy, problem: OnlineSharing, benchmark: Benchmark) -> tuple[float, list[str]]:
    """What the policy's own decisions are worth to the end of the trace, and which they are."""
    state, player = problem.initial(benchmark), policy.start()
    while not state.finished:
        steps_left = 1.0 - len(state.decisions) / policy.horizon
        state = problem.apply(state, player.act(policy_input(problem, state, steps_left)))
    return problem.evaluate(state).value, list(state.decisions)


def interval(values: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Of the ratio of two means over the same traces: 95 %, by the bootstrap."""
    drawn = np.random.default_rng(0).integers(len(values), size=(SAMPLES, len(values)))
    low, high = np.percentile(values[drawn].mean(1) / others[drawn].mean(1), [2.5, 97.5])
    return float(low), float(high)


def compared(policy: Policy, benchmarks: Iterable[Benchmark]) -> dict[str, np.ndarray]:
    """Mean event F1 of each method on each trace."""
    problem, decisions = OnlineSharing(), []
    found: dict[str, list[float]] = defaultdict(list)
    for benchmark in benchmarks:
        value, taken = decided(policy, problem, benchmark)
        decisions += taken
        found["policy"].append(value)
        for name, baseline in problem.baselines().items():
            found[name].append(baseline(benchmark).value)
        search = run_search(make_search(CLAIRVOYANT), problem, benchmark, Budget(evaluations=TRIED))
        found[f"{CLAIRVOYANT}, knowing what comes"].append(search.claimed.value)
    shares = (f"{name} {decisions.count(name) / len(decisions):.0%}" for name in problem.actions)
    print(f"the policy's decisions: {', '.join(shares)}", flush=True)
    return {name: np.array(values) for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainer", default="ppo")
    parser.add_argument("--traces", type=int, default=10, help="held-out ones of each size")
    add_training_options(parser, minutes=10)
    arguments = parser.parse_args()
    options = ["--trainer", arguments.trainer, "--test-share", "0"]
    policy = given_or_trained(arguments, DATASET, options)
    values = compared(policy, random_suite(SIZES, arguments.traces, SEED, EventLength.CORRECTED))
    exact = values["exact"]
    table = Table(title=f"mean event F1 on {len(exact)} held-out traces", title_justify="left")
    for column in ("method", "mean", "over exact at every event", "95 %", "better than it on"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for name, each in sorted(values.items(), key=lambda item: -item[1].mean()):
        low, high = interval(each, exact)
        cells = (f"{each.mean():.4f}", f"{each.mean() / exact.mean():.3f}", f"{low:.3f} to {high:.3f}")
        table.add_row(name, *cells, f"{np.mean(each > exact):.0%}")
    Console().print(table)
    names = {"policy / exact at every event": "exact", "policy / hysteresis": "hysteresis"}
    ratios = {name: float(values["policy"].mean() / values[rule].mean()) for name, rule in names.items()}
    report("online_sharing_policy", {name: Bar(ratio, 1, "x mean F1") for name, ratio in ratios.items()})


if __name__ == "__main__":
    main()
