"""`launcher/network_scaling.py evaluate`: one scaling, trained and measured for real."""

from __future__ import annotations

from typing import TYPE_CHECKING

from launcher.scaling.options import EvaluateOptions
from launcher.scaling.report import latency_text, show_network
from rllib_envs.errors import TunewrightError
from rllib_envs.network_scaling.data import load_data_set
from rllib_envs.network_scaling.layers import memory_of
from rllib_envs.network_scaling.places import own_folder

if TYPE_CHECKING:
    from rllib_envs.network_scaling.training import Epoch


class TrainingFailed(TunewrightError):
    """A candidate diverged."""


def run_evaluate(options: EvaluateOptions) -> None:
    """Print the network, its accuracy, its latency and its memory. The test part is looked at once, at the end."""
    from rllib_envs.network_scaling.training import judge, train

    options.check()
    setting = options.setting
    architecture = setting.architecture(options.scaling)
    data = load_data_set(setting.data, options.folder)
    show_network(architecture)
    print(f"Start evaluating {options.scaling} on {setting.data}")
    trained = train(architecture, data, setting.training, options.seed, show_epoch)
    if trained.error:
        raise TrainingFailed(f"the training {trained.error}; try a --learning-rate below {options.learning_rate:g}")
    _, test = judge(trained.network, architecture.resolution, data, data.test)
    shared = options.shared or own_folder()
    print(f"trained in {trained.seconds:.1f} s, in {trained.how}")
    print(f"accuracy: {trained.accuracy:.2f} % on the validation part, {test:.2f} % on the test part")
    print(f"latency:  {latency_text(setting, architecture, options.platform, options.device, shared)}")
    print(f"memory:   {memory_of(architecture):.2f} MB for one image")


def show_epoch(epoch: Epoch) -> None:
    print(
        f"[epoch {epoch.number} ({epoch.seconds:.1f} s)] (train) loss {epoch.train_loss:.3f} | (validation) loss "
        f"{epoch.validation_loss:.3f}, accuracy {epoch.validation_accuracy:.2f} %",
        flush=True,
    )
