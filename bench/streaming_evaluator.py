"""Mappings that one core judges, and episodes of the masked decoder that it runs, in a second. About 10 seconds.

python bench/streaming_evaluator.py

Times are of the processor, one thread, and the best of several rounds. Mappings are judged for validity and makespan,
random ones and valid ones in equal numbers; episodes are of the shipped FFT graphs, look-ahead included.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from report import Bar, report

from rllib_envs.streaming_engine.batched import evaluate_batch
from rllib_envs.streaming_engine.choosers import at_random, earliest, sampled
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.generate import feasible_task
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite

ROUNDS = 10
NODES = 40
MAPPINGS = 32_768
EPISODES = 4_096


def rate(run: Callable[[], object], items: int) -> float:
    """Items a second of CPU time."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        run()
        best = min(best, time.process_time() - began)
    return items / best


def half_valid(task: Task, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Tiles and spokes [nodes, MAPPINGS], the first half without regard to any rule."""
    found = decode(task, MAPPINGS // 2, at_random(rng), look_ahead=True)
    shape = found.tiles.shape
    tiles = rng.integers(task.device.tiles, size=shape, dtype=np.int16)
    spokes = rng.integers(task.device.spokes, size=shape, dtype=np.int16)
    whole = np.flatnonzero(found.complete)
    again = rng.choice(whole, shape[1])
    return np.hstack([tiles, found.tiles[:, again]]), np.hstack([spokes, found.spokes[:, again]])


def main() -> None:
    rng = np.random.default_rng(0)
    task = feasible_task("layered", NODES, Device(1, 16, 6), Rules(), rng)
    tiles, spokes = half_valid(task, rng)
    batched = rate(lambda: evaluate_batch(task, tiles, spokes), MAPPINGS)
    single = Mapping(tuple(tiles[:, -1].tolist()), tuple(spokes[:, -1].tolist()))
    scalar = rate(lambda: [evaluate(task, single) for _ in range(100)], 100)
    bars = {
        f"mappings of {NODES} nodes on 16x6 judged": Bar(batched, 1e6, "mappings/s"),
        "the same against one by one": Bar(batched / scalar, 100, "times as many"),
    }
    for benchmark in Suite.load("streaming_engine").benchmarks:
        shipped = Task.from_benchmark(benchmark)
        nodes = len(shipped.graph)
        if not 17 <= nodes <= 25:
            continue
        choices = {"random": at_random(rng), "noisy list scheduling": sampled(earliest, 0.5, rng)}
        for name, choose in choices.items():
            run = rate(lambda task=shipped, choose=choose: decode(task, EPISODES, choose, look_ahead=True), EPISODES)
            bars[f"{benchmark.name} ({nodes} nodes), {name}"] = Bar(run, 30_000, "episodes/s")
    report("streaming_evaluator", bars)


if __name__ == "__main__":
    main()
