"""What a training leaves when an iteration fails."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher import train
from models.policy import Policy
from models.store.run_directory import RunDirectory
from models.training import TrainingError, TrainingSession


def test_a_failed_iteration_leaves_what_was_saved_last(toy_suite, tmp_path, monkeypatch):
    config = train.TrainConfig(dataset=str(toy_suite), iter=5)
    run = RunDirectory.create(tmp_path, "toy", {})
    monkeypatch.setattr(train, "SAVE_EVERY_S", 0.0)
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
            train.learn(config, session, run)
    assert Policy.load(run.path).provenance["iteration"] == 2
    assert run.last_checkpoint().name == "000002"
