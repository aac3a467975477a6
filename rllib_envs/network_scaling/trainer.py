"""What trains the candidates that nobody has trained yet. PyTorch and the images are loaded at the first one."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from rllib_envs.network_scaling.results import REWARD_POINTS, Candidate
from rllib_envs.problem import Evaluation

if TYPE_CHECKING:
    from rllib_envs.network_scaling.data.dataset import DataSet
    from rllib_envs.network_scaling.training import Epoch

_log = logging.getLogger(__name__)


@cache
def _data_set(name: str, folder: Path | None) -> DataSet:
    """Once a process."""
    from rllib_envs.network_scaling.data import load_data_set

    return load_data_set(name, folder)


class Trainer:
    """Trains on a data set from a folder, or from where it is installed."""

    def __init__(self, images: Path | None) -> None:
        self._images = images

    def __call__(self, candidate: Candidate) -> Evaluation:
        """The accuracy on the validation part, in percent."""
        from rllib_envs.network_scaling.training import train

        setting = candidate.setting
        data = _data_set(setting.data, self._images)
        _log.info("training %s", candidate.solution)
        trained = train(candidate.architecture, data, setting.training, candidate.seed, _tell)
        return Evaluation(
            trained.accuracy,
            "% accuracy",
            REWARD_POINTS,
            error=trained.error,
            how=f"trained for {trained.epochs} epochs in {trained.how}, on the validation part",
            details={"seconds": round(trained.seconds, 2), "epochs": trained.epochs},
        )


def _tell(epoch: Epoch) -> None:
    _log.info(
        "[epoch %d (%.1f s)] (train) loss %.3f | (validation) loss %.3f, accuracy %.2f %%",
        *epoch,
    )
