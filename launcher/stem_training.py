"""`launcher/stem_sharing.py train`: one application, fine-tuned at every freeze point, in this process."""

from __future__ import annotations

import re
from pathlib import Path

from launcher.stem_options import LatencyOptions, StemTrainOptions
from launcher.stem_setup import MODEL_DESC
from models.store.atomic import check_room, new_file, read_json, write_json
from rllib_envs.errors import MeasuringError, UserError
from rllib_envs.stem_sharing.accuracy_files import SUFFIX, accuracy_lines
from rllib_envs.stem_sharing.application import Variant
from rllib_envs.stem_sharing.layered.model_file import write_model
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.training.application import FineTuned, read_pictures, train_application
from rllib_envs.stem_sharing.training.base import FEWEST_CLASSES, Base, load_base
from rllib_envs.stem_sharing.training.finetune import Epoch
from rllib_envs.stem_sharing.training.freeze_points import parse_points
from rllib_envs.stem_sharing.training.latencies import measure_layers
from rllib_envs.stem_sharing.training.setting import Setting, read_setting

NAME = re.compile(r"[\w][\w.-]*")
HISTORY = "history"


def train(options: StemTrainOptions) -> None:
    """Everything that can be wrong is looked at first; what is done is on the disk at once."""
    if not NAME.fullmatch(options.name):
        raise UserError(f"name {options.name!r} can't be that of files; use letters, digits, - and _")
    setting, base = _begin(options.config_file)
    points = parse_points(options.indices, base.names, base.trained)
    _check_others(options.model_dir / MODEL_DESC, base, setting)
    for folder in (options.model_dir, options.log_dir):
        check_room(folder)
    pictures = read_pictures(options.image_dir, options.image_test_dir, setting)
    counts = [len(part.labels) for part in pictures[:3]]
    print(
        f"{', '.join(pictures.classes)}: {counts[0]} images to learn from, {counts[1]} to end by, {counts[2]} to test"
    )
    report = _Report(options)
    train_application(options.name, base, pictures, points, setting, report.done, report.watch)
    print(f"accuracies: {report.accuracies}, models: {options.model_dir}")
    if not (options.model_dir / MODEL_DESC).exists():
        try:
            _measure(base, setting, options.model_dir)
        except MeasuringError as error:
            print(
                f"no latencies yet: {error}, with stem_sharing.py latencies {options.config_file} {options.model_dir}"
            )


def latencies(options: LatencyOptions) -> None:
    """Exit code 4 where the machine is too busy."""
    setting, base = _begin(options.config_file)
    check_room(options.model_dir)
    _measure(base, setting, options.model_dir)


def _begin(config_file: Path) -> tuple[Setting, Base]:
    setting, unused = read_setting(config_file)
    if unused:
        print(f"without effect: {', '.join(unused)}")
    return setting, load_base(setting.net, setting.weights, setting.seed)


def _check_others(path: Path, base: Base, setting: Setting) -> None:
    """Models that share a folder have to be of one network, or nothing could be shared."""
    if path.exists():
        found = BaseNetwork.from_spec(read_json(path, "what the layers of a base network take (model_desc)"))
        if list(found.tensors.values())[1:] != base.names or found.height != setting.n:
            raise UserError(
                f"{path} is of another network than {base.network} for {setting.n} pixels; choose another model_dir"
            )


def _measure(base: Base, setting: Setting, model_dir: Path) -> None:
    network = measure_layers(base.for_classes(FEWEST_CLASSES, setting.seed), setting.n, base.network)
    write_json(model_dir / MODEL_DESC, network.to_spec())
    print(f"latencies of {network.layers} layers, {network.total:.2f} of the slowest: {model_dir / MODEL_DESC}")


class _Report:
    """Writes and prints what comes of a training."""

    def __init__(self, options: StemTrainOptions) -> None:
        self._models, self._history = options.model_dir, options.log_dir / HISTORY
        self.accuracies = options.log_dir / f"{options.name}{SUFFIX}"
        self._variants: list[Variant] = []

    def watch(self, point: int, epoch: Epoch) -> None:
        numbers = ",".join(f"{number:.4f}" for number in epoch[1:])
        with self._history.open("a") as file:
            file.write(f"{point},{epoch.number},{numbers}\n")

    def done(self, found: FineTuned) -> None:
        write_model(self._models / found.variant.model_path, found.model)
        self._variants.append(found.variant)
        with new_file(self.accuracies) as draft:
            draft.write_text(accuracy_lines(self._variants))
        point, hit, false_alarm, _ = found.variant
        print(f"freeze point {point}: accuracy {hit:.4f}, false positives {false_alarm:.4f}")
