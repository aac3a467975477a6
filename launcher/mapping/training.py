"""Modes 2 to 5 of `launcher/streaming_engine.py`: its flags as a configuration of `tunewright train`."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from launcher.mapping.graphs import write_stages
from launcher.mapping.options import CURRICULUM, PPO, SINKHORN, TRANSFORMER, MappingOptions
from launcher.training.config import TrainConfig
from launcher.training.learning import Trained, train_and_prove
from launcher.training.resume import fork, removed_if_refused
from models.local_ray import ray_running
from models.store.locate import locate_run
from models.store.run_directory import RunDirectory, make_unique
from models.train_settings import gpus_from_environment
from rllib_envs.problem import Benchmark
from rllib_envs.streaming_engine.problem import DEFAULT_MAX_TILES
from rllib_envs.streaming_engine.task import PROBLEM, Task

ENCODERS = {PPO: "scorer", SINKHORN: "sinkhorn", CURRICULUM: "graph_attention", TRANSFORMER: "transformer"}
BENCHMARKS = "benchmarks"
"""What a run has learnt from, beside its record."""
MINIBATCH = 256
ENVS = 8
HEADS = 4
"""Of attention; they divide the width."""


def decisions(task: Task) -> int:
    """In an episode: a tile for each node, and for a root its spoke before."""
    return len(task.graph) + len(task.graph.roots)


def train_config(options: MappingOptions, graphs: Sequence[Benchmark]) -> TrainConfig:
    """All but the suite and the number of iterations."""
    tasks = [Task.from_benchmark(benchmark) for benchmark in graphs]
    steps = max(1, round(options.update_timestep * sum(map(decisions, tasks)) / len(tasks)))
    tiles = max(max(task.device.tiles, task.device.spokes) for task in tasks)
    settings = {
        "batch_steps": steps,
        "minibatch": min(MINIBATCH, steps),
        "epochs": options.ppo_epoch if options.mode == SINKHORN else options.K_epochs,
        "learning_rate": options.lr,
        "discount": options.gamma,
        "clip": options.eps_clip,
        "entropy_start": options.loss_entropy_c,
        "entropy_end": options.loss_entropy_c / 10,
        "entropy_steps": max(1, round(options.epochs * steps / options.update_timestep)),
        "gradient_norm": options.max_grad_norm,
        "value_weight": options.loss_value_c,
        "beta1": options.betas[0],
        "beta2": options.betas[1],
    }
    return TrainConfig(
        trainer="ppo",
        trainer_settings=tuple(f"{name}={value!r}" for name, value in settings.items()),
        encoder=ENCODERS[options.mode],
        encoder_width=options.graph_size if options.mode == CURRICULUM else options.emb_size,
        encoder_heads=HEADS,
        problem_settings=() if tiles <= DEFAULT_MAX_TILES else (f"max_tiles={tiles}",),
        test_share=0.0,
        eval_size=0,
        env_runners=options.env_runners,
        envs_per_runner=ENVS,
        seed=options.seed,
        print_every=max(1, round(options.log_interval / options.update_timestep)),
        debug=options.debug,
    )


def train(options: MappingOptions, graphs: Sequence[Benchmark], runs: Path, label: str) -> Trained:
    """Play all episodes; of a curriculum each stage goes on from the one before, in the same run.

    With `model`, the run begins as a copy of that one.
    """
    config = train_config(options, graphs)
    config.settings(PROBLEM)  # refuses what makes no sense before anything is made
    run, done = begun(options.model, runs, label)
    config = replace(config, **({"resume": str(run), "resume_anyway": True} if done else {"run": run}))
    stages = write_stages(run / BENCHMARKS, graphs, options.mode == CURRICULUM)
    iterations = max(len(stages), math.ceil(options.epochs / options.update_timestep))
    refused = removed_if_refused(RunDirectory(run)) if done else nullcontext()
    with refused, ray_running(options.env_runners, gpus_from_environment()):  # once for all stages
        for number, stage in enumerate(stages, 1):
            if len(stages) > 1:
                print(f"stage {number} of {len(stages)}: {len(list(stage.iterdir()))} graphs")
            until = done + max(number, round(iterations * number / len(stages)))
            trained = train_and_prove(replace(config, dataset=str(stage), iter=until))
            config = replace(config, run=None, resume=str(run), resume_anyway=True)
    return trained


def begun(model: Path | None, runs: Path, label: str) -> tuple[Path, int]:
    """The folder of a new run, and the iterations behind it: none, or those of the run that it goes on from."""
    if model is None:
        return make_unique(runs, f"{time.strftime('%Y%m%d-%H%M%S')}-{label}"), 0
    known, checkpoint = locate_run(str(model))
    forked, start = fork(known, checkpoint, runs)
    assert start is not None  # or `fork` would have refused
    return forked.path, int(start.name.partition("-")[0])
