"""The policy of a run at Weights & Biases: its newest checkpoint, or the one that is named, as a run here."""

from __future__ import annotations

from pathlib import Path

from launcher.folders import runs_folder
from launcher.tracking.fetch import local_run
from launcher.training.recorded_config import recorded_config
from launcher.training.resume import newest_whole
from models.checkpoint import read_description
from models.checkpoint_policy import policy_of
from models.policy import CARD
from models.store.run_directory import RunDirectory
from rllib_envs.errors import UserError


def fetch_policy(place: str) -> Path:
    """The directory of the run that `place` means, which has a `policy/` then. UserError where there is no checkpoint.

    What is fetched are checkpoints, because a training can go on from one.
    """
    run = RunDirectory.open(local_run(place, runs_folder()))
    if not (run.policy / CARD).exists():
        checkpoint = newest_whole(run, None)
        if checkpoint is None:
            raise UserError(f"{run.path} has no checkpoint and no policy; train it further, or choose another run")
        config = recorded_config(run.record["config"])
        settings = config.settings(str(read_description(checkpoint)["identity"].get("problem")))
        policy_of(checkpoint, settings.env).save(run.policy)
    return run.path
