"""What a training leaves when an iteration fails, and when the disk is full."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.training import learning
from launcher.training.config import TrainConfig
from models.policy import Policy
from models.store.run_directory import RunDirectory
from models.training import TrainingError, TrainingSession


def test_a_failed_iteration_leaves_what_was_saved_last(toy_suite, tmp_path, monkeypatch):
    config = TrainConfig(dataset=str(toy_suite), iter=5, save_minutes=0.0)
    run = RunDirectory.create(tmp_path, "toy", {})
    with TrainingSession(config.settings("toy")) as session:
        step = session.step

        def third_fails():
            if session.iteration == 2:
                session.counters = replace(
                    session.counters, iteration=99
                )  # would show in anything that is saved from now on
                raise TrainingError("the loss is no number any more")
            return step()

        monkeypatch.setattr(session, "step", third_fails)
        with pytest.raises(TrainingError, match="no number"):
            learning.learn(config, session, run)
    assert Policy.load(run.path).provenance["iteration"] == 2
    assert run.last_checkpoint().name == "000002"


def test_a_full_disk_costs_a_line_and_nothing_that_was_saved(toy_suite, tmp_path, monkeypatch, capsys, file_size_limit):
    config = TrainConfig(dataset=str(toy_suite), iter=4, save_minutes=0.0)
    run = RunDirectory.create(tmp_path, "toy", {})
    during = []
    with TrainingSession(config.settings("toy")) as session:
        step = session.step
        monkeypatch.setattr(session, "step", lambda: during.append(run.last_checkpoint()) or step())
        write = run.checkpoints.__class__.write

        def write_on_a_full_disk(checkpoints, iteration, fill):
            with file_size_limit(50_000 if iteration in (2, 3) else 1 << 30):
                return write(checkpoints, iteration, fill)

        monkeypatch.setattr(run.checkpoints.__class__, "write", write_on_a_full_disk)
        policy = learning.learn(config, session, run)
    assert capsys.readouterr().err.count("training goes on") == 2
    assert [path and path.name for path in during] == [None, "000001", "000001", "000001"]
    assert run.last_checkpoint().name == "000004" and policy.provenance["iteration"] == 4
    assert len(list(run.metrics())) == 4
