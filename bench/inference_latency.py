"""How long a policy takes to decide, on the CPU, one state at a time, without Ray. Takes about ten seconds.

python bench/inference_latency.py

For each kind of network and encoder: the median of a decision on the states that random walks on a matrix product
visit, from what the problem shows to the chosen action. The weights are random; they don't change how long it takes.
"""

from __future__ import annotations

import sys
import time
from statistics import median

import numpy as np
from helpers.random_walks import matmul, random_walk
from report import Bar, report

from models.encoders.config import EncoderConfig, InputSizes, kinds_for
from models.forward import forward_of
from models.networks import NETWORKS, build_network
from models.player import Player
from rllib_envs.loop_nest import LoopNest
from rllib_envs.policy_input import policy_input
from rllib_envs.problem import PolicyInput

DECISIONS, WARM_UP = 500, 50
GOAL_MS = 1.0


def shown_states(problem: LoopNest) -> list[PolicyInput]:
    rng, shown = np.random.default_rng(0), []
    while len(shown) < WARM_UP + DECISIONS:
        shown += [policy_input(problem, state, 1.0) for state in random_walk(problem, matmul(128, 96, 160), rng)]
    return shown[: WARM_UP + DECISIONS]


def milliseconds(player: Player, shown: list[PolicyInput]) -> float:
    """Median time of a decision."""
    seconds = []
    for inputs in shown:
        began = time.perf_counter()
        player.act(inputs)
        seconds.append(time.perf_counter() - began)
    return 1e3 * median(seconds[WARM_UP:])


def main() -> None:
    problem = LoopNest()
    shown = shown_states(problem)
    sizes = InputSizes.of(problem.spec, len(problem.actions))
    bars = {}
    for encoder in kinds_for(sizes.points):
        for kind in NETWORKS:
            network = build_network(kind, sizes, EncoderConfig(encoder)).requires_grad_(False).eval()
            player = Player(forward_of(network), values=kind != "actor_critic")
            bars[f"{kind}, {encoder}"] = Bar(milliseconds(player, shown), GOAL_MS, "ms a decision", at_least=False)
    problem.close()
    assert "ray" not in sys.modules
    report("inference_latency", bars)


if __name__ == "__main__":
    main()
