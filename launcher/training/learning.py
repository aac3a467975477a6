"""One training: a run is made or gone on with, a policy learns in it, and is proved on what it never saw."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from eval.budget import Budget
from eval.comparison import Comparison
from launcher.comparison.evaluation import METHODS, Proof, prove
from launcher.export import export_policy
from launcher.folders import runs_folder
from launcher.tracking.event_files import EventFiles
from launcher.tracking.tracking import mirrored
from launcher.training.config import TrainConfig, load_suite
from launcher.training.live_progress import LiveProgress
from launcher.training.resume import fork, go_on, newest_whole
from models.interrupts import Interrupts
from models.policy import CARD, Policy
from models.store.atomic import NotWritten, check_room
from models.store.locate import locate_run
from models.store.run_directory import RunDirectory
from models.train_settings import TrainSettings
from models.trainers.registry import trainer_name
from models.training import TrainingSession
from rllib_envs.errors import UserError
from rllib_envs.suite import Suite


class Trained(NamedTuple):
    """What a training has left."""

    run: RunDirectory
    policy: Policy
    score: float
    """Mean return of the last iteration's episodes."""
    comparison: Comparison | None
    """With searches on held-out benchmarks, where that was asked for."""


def train_and_prove(
    config: TrainConfig, methods: Sequence[str] = METHODS, command: str = "", workers: int | None = None
) -> Trained:
    """One run: train a policy, and compare it with `methods`, with as many `workers` as `prove` takes.

    `command` is what the report says that made it.
    """
    tracking = config.tracking()
    suite = load_suite(config)
    settings = config.settings(suite.problem)
    held_out = Suite.select({**settings.env, "split": "test"}) if config.test_share else None
    record = {
        "settings": asdict(settings),
        "trainer_settings": asdict(settings.make_trainer()),
        "suite_hash": suite.hash,
        "config": config.to_json(),
    }
    if config.run and RunDirectory.exists(config.run):
        config = replace(config, resume=str(config.run))
    if config.fork:
        run, checkpoint = fork(*locate_run(config.resume), config.runs or runs_folder())
    elif config.resume:
        run, checkpoint = locate_run(config.resume)
        check_room(run.path)
    elif config.run:
        run, checkpoint = RunDirectory.create_at(config.run, record), None
    else:
        label = f"{suite.problem}-{trainer_name(config.trainer)}-{suite.name}"
        run, checkpoint = RunDirectory.create(config.runs or runs_folder(), label, record), None
    settings = replace(settings, records=settings.records or str(run.records.absolute()))
    comparison = None
    with Interrupts() as interrupts, run.locked(), ExitStack() as shown:
        if config.resume:
            checkpoint = newest_whole(run, checkpoint)
        with started(config, settings, run, checkpoint, interrupts) as session:
            print(f"run directory: {run.path}")
            if config.resume:
                go_on(session, run, checkpoint, record)
            shown.enter_context(mirrored(tracking, run.path))
            policy = learn(config, session, run)
            score = session.score
        if config.eval_size and held_out:
            benchmarks = held_out.sample(config.eval_size, config.seed)
            proof = Proof.of(policy, {"test": benchmarks}, Budget(seconds=config.eval_time), methods)
            comparison = prove(proof, run.report, workers=workers, command=command, afresh=True)
    return Trained(run, policy, score, comparison)


@contextmanager
def started(
    config: TrainConfig, settings: TrainSettings, run: RunDirectory, checkpoint: Path | None, interrupts: Interrupts
) -> Iterator[TrainingSession]:
    """A training session of the run. Where a new one can't start, perhaps for want of a package, no run is left."""
    with ExitStack() as stack:
        try:
            session = stack.enter_context(TrainingSession(settings, checkpoint, config.resume_anyway, interrupts))
        except BaseException:
            if config.fork or not (config.resume or config.run):
                run.discard()
            raise
        yield session


def learn(config: TrainConfig, session: TrainingSession, run: RunDirectory) -> Policy:
    """Train until a limit is reached or a signal ends it; what was learnt is saved either way.

    The policy is the best one of those that `Validation` has looked at, the last one among them, unless a signal ends
    the training or a look takes too long. When an iteration fails, what was saved last stays: the weights may be what
    is wrong. When there is no room to save on the way, training goes on.
    """
    interrupted = False
    policy, at = None, session.counters
    validation = session.validation()
    if config.resume and not config.fork and (before := best_before(session, run)):
        validation.remember(before)
    with (
        LiveProgress(config.iterations, config.seconds, seconds_before=session.counters.seconds) as live,
        closing(EventFiles(run.path, session.iteration)) as events,
    ):
        saved = time.perf_counter()
        try:
            while live.share_done(session.iteration) < 1:
                progress = session.step()
                if validation.due:
                    progress = replace(progress, greedy_return=validation.look(session.policy()))
                with warned():
                    run.log(asdict(progress))
                    events.log(asdict(progress))
                if session.iteration % config.print_every == 0 or live.share_done(session.iteration) >= 1:
                    live.show(progress)
                if time.perf_counter() - saved > 60 * config.save_minutes:
                    with warned():
                        policy, at = save(session, run, validation.best), session.counters
                    saved = time.perf_counter()
                session.interrupts.check()
            if session.counters != at:
                validation.look(session.policy())
        except KeyboardInterrupt:
            interrupted = True
            session.interrupts.accept()
            print(f"{session.interrupts.reason or 'interrupted'}: saving", flush=True)
    if session.counters != at:
        policy = save(session, run, validation.best)
    elif policy is None:  # nothing was learnt in this part, and there is nothing to go on from but what there was
        policy = validation.best or session.policy()
        policy.save(run.policy)
    print(f"policy: {run.policy}")
    if config.export:
        print(f"exported: {export_policy(policy, config.export, run.policy / f'policy.{config.export}')}")
    if interrupted:
        raise KeyboardInterrupt(session.interrupts.reason)
    return policy


def best_before(session: TrainingSession, run: RunDirectory) -> Policy | None:
    """What the run handed out last, where that can be read and was for the same benchmarks."""
    if not (run.policy / CARD).exists():
        return None
    try:
        policy = Policy.load(run.policy)
    except UserError as error:
        print(f"warning: {error}; training goes on", file=sys.stderr, flush=True)
        return None
    return policy if policy.provenance.get("suite_hash") == session.suite.hash else None


@contextmanager
def warned() -> Iterator[None]:
    """What can't be written for want of room costs a line, not the training."""
    try:
        yield
    except (NotWritten, OSError) as error:
        print(f"warning: {error}; training goes on", file=sys.stderr, flush=True)


def save(session: TrainingSession, run: RunDirectory, best: Policy | None) -> Policy:
    """Write a checkpoint to go on from, and the policy to use, the present one where none is known to be the best; no
    interrupt comes between the two."""
    with session.interrupts.held():
        run.checkpoint(session)
        policy = best or session.policy()
        policy.save(run.policy)
    return policy
