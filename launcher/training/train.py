"""`tunewright train`: learn a policy on one part of a suite, then prove it on the other."""

from __future__ import annotations

from eval.report import require_packages
from launcher.training.config import TrainConfig
from launcher.training.learning import train_and_prove
from launcher.training.sweep import run_sweep


def run_train(config: TrainConfig) -> None:
    """Train, evaluate, report; with `sweep`, several times."""
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
