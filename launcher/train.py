"""`tunewright train`: learn a policy on one part of a suite, then prove it on the other."""

from __future__ import annotations

from dataclasses import replace

from eval.report import require_packages
from launcher.learning import train_and_prove
from launcher.sweep import run_sweep
from launcher.train_config import TrainConfig
from rllib_envs.names import choose
from rllib_envs.registry import PROBLEMS
from rllib_envs.suite import find_suite


def run_train(config: TrainConfig) -> None:
    """Train, evaluate, report; with `sweep`, several times."""
    if config.problem and not config.dataset:
        find_suite(choose(config.problem, PROBLEMS, "problem"))
        config = replace(config, dataset=config.problem)
    config.check()
    if config.eval_size:
        require_packages()
    if config.sweep:
        run_sweep(config)
        return
    trained = train_and_prove(config)
    print(f"Saved at: {trained.run.path}")
    if trained.policy.problem == "loop_nest":
        print(f"tune one shape:  tunewright tune mm 200x144x96 --policy {trained.run.path}")
    print(f"compare longer:  tunewright compare --dataset {config.dataset} --policy {trained.run.path} --timeout 5")
