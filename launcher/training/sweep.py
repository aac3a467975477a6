"""`tunewright train --sweep N`: the same training with N settings of the trainer, side by side, best first."""

from __future__ import annotations

import logging
import math
import os
import shlex
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.statistics import summarise
from launcher.folders import runs_folder
from launcher.options import parse_settings
from launcher.tracking.account import HOW_WITHOUT_ENVIRONMENT, find_key
from launcher.tracking.sync import bring_all, waiting
from launcher.tracking.tracking import OFFLINE, ONLINE, Tracking
from launcher.training.config import TrainConfig, load_suite
from launcher.training.learning import train_and_prove
from launcher.training.sweep_table import Entry, finish_sweep
from models.local_ray import ray_running
from models.store.run_directory import make_unique
from models.trainers.registry import TRAINERS, trainer_name
from models.trainers.search_space import Between, Range
from rllib_envs.errors import MissingPackage, TunewrightError

TUNE_FOLDER = ".tune"
"""What Ray Tune itself keeps of a sweep; removed at the end."""


def run_sweep(config: TrainConfig) -> None:
    """Train `config.sweep` times, as many at once as there are processors for, and list the results.

    Ctrl-C ends it with what is complete. Raises TunewrightError when no training was completed.
    """
    tracking = config.tracking()
    suite = load_suite(config)
    settings = config.settings(suite.problem)
    name = trainer_name(config.trainer)
    given = parse_settings(config.trainer_settings, "a trainer")
    space = {field: range_ for field, range_ in TRAINERS[name].search_space.items() if field not in given}
    title = f"{time.strftime('%Y%m%d-%H%M%S')}-sweep-{suite.problem}-{name}-{suite.name}"
    folder = make_unique((config.runs or runs_folder()).absolute(), title)
    at_once = max(1, min(config.sweep, (os.cpu_count() or 1) // (1 + config.env_runners)))
    print(f"sweep directory: {folder}")
    print(f"{config.sweep} trainings, {at_once} at once, of {', '.join(space)}")
    with ray_running(at_once * (1 + config.env_runners), settings.gpus):
        entries = _tune(_one_training(config, folder, tracking), space, config.sweep, at_once, settings.gpus)
    shutil.rmtree(folder / TUNE_FOLDER, ignore_errors=True)
    if not entries:
        shutil.rmtree(folder)
        raise KeyboardInterrupt
    finish_sweep(folder, entries)
    if tracking.mode == ONLINE and tracking.key is not None:
        bring_all(waiting(folder), tracking.key)
    if all(entry.score is None for entry in entries):
        raise TunewrightError(f"no training of {len(entries)} was completed; the first failed with: {entries[0].error}")
    if len(entries) < config.sweep:
        raise KeyboardInterrupt


def _one_training(config: TrainConfig, folder: Path, tracking: Tracking) -> TrainConfig:
    """The configuration of each training, for a process that has no key from us, and looks for one by itself."""
    dataset = str(Path(config.dataset).absolute()) if Path(config.dataset).is_dir() else config.dataset
    records = config.records.absolute() if config.records else None
    group = config.wandb_group or folder.name
    wandb = tracking.mode
    if wandb == ONLINE and find_key(for_jobs=True) is None:
        print(f"shown at Weights & Biases when all have ended; to see them before, {HOW_WITHOUT_ENVIRONMENT}")
        wandb = OFFLINE
    own = replace(config, sweep=0, config=None, runs=folder, wandb=wandb, wandb_group=group)
    return replace(own, dataset=dataset, records=records)


def train_once(sample: Mapping[str, float], config: TrainConfig, command: str) -> None:
    """One training with these settings, in a process of its own. Tells Ray Tune where its run is and how good."""
    from ray import tune

    changed = tuple(f"{name}={value}" for name, value in sample.items())
    config = replace(config, trainer_settings=(*config.trainer_settings, *changed))
    try:
        # One worker: other trainings of the sweep have the other cores.
        trained = train_and_prove(config, methods=("policy",), command=command, workers=1)
    except TunewrightError as error:
        tune.report({"error": str(error)})
        return
    score, scored_by = trained.score, "mean return"
    if trained.comparison is not None:
        speedup = next(one.speedup.mean for one in summarise(trained.comparison) if one.method == "policy")
        if math.isfinite(speedup):
            score, scored_by = speedup, "held-out speed-up"
    tune.report({"score": score, "scored_by": scored_by, "run": trained.run.path.name})


def _tune(config: TrainConfig, space: Mapping[str, Range], count: int, at_once: int, gpus: int) -> list[Entry]:
    """The trainings that ended, in the order in which their settings were drawn. Fewer than `count` after Ctrl-C."""
    # Ray Tune would log what `Entry.error` says, too, over many lines, and write its figures into more files.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    os.environ |= {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "RAY_AIR_NEW_OUTPUT": "0"}
    os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"  # what is named relative to here is found there, too
    try:
        from ray import tune
        from ray.tune.search.basic_variant import BasicVariantGenerator
    except ImportError as error:
        raise MissingPackage(f"a sweep needs Ray Tune ({error}); pip install 'tunewright[train]'") from None
    processes: list[dict[str, float]] = [{"CPU": 1, "GPU": gpus}]
    processes += [{"CPU": 1}] * config.env_runners
    training = tune.with_resources(
        tune.with_parameters(train_once, config=config, command=shlex.join(["tunewright", *sys.argv[1:]])),
        tune.PlacementGroupFactory(processes),
    )
    tuner = tune.Tuner(
        training,
        param_space={name: _drawn_from(range_) for name, range_ in space.items()},
        tune_config=tune.TuneConfig(
            num_samples=count,
            search_alg=BasicVariantGenerator(max_concurrent=at_once, random_state=config.seed),
        ),
        run_config=tune.RunConfig(
            name=TUNE_FOLDER, storage_path=str(config.runs), verbose=0, callbacks=[_announcement(count)]
        ),
    )
    results: Any = tuner.fit()
    return [_entry(result) for result in results if result.error or _reported(result)]


def _drawn_from(range_: Range) -> Any:
    """The range as Ray Tune's."""
    from ray import tune

    return tune.loguniform(range_.low, range_.high) if isinstance(range_, Between) else tune.choice(range_.values)


def _reported(result: Any) -> bool:
    return bool(result.metrics) and ("score" in result.metrics or "error" in result.metrics)


def _entry(result: Any) -> Entry:
    if result.error:
        return Entry(settings=result.config, error=str(result.error).strip().splitlines()[-1])
    told = {name: result.metrics[name] for name in ("score", "scored_by", "run", "error") if name in result.metrics}
    return Entry(settings=result.config, **told)


def _announcement(count: int) -> Any:
    """Prints a line when a training ends."""
    from ray.tune import Callback

    class Announcement(Callback):  # type: ignore[misc]  # Ray has no types
        ended = 0

        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            self.ended += 1
            told = trial.last_result
            outcome = f"{told['scored_by']} {told['score']:.4g}" if "score" in told else f"failed: {told.get('error')}"
            print(f"{self.ended} of {count}: {outcome}, {told.get('run', '')}", flush=True)

    return Announcement()
