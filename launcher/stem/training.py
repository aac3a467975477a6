"""`launcher/stem_sharing.py train`: one application, fine-tuned at every freeze point, in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from launcher.stem.options import LatencyOptions, StemTrainOptions
from launcher.stem.setup import MODEL_DESC
from models.store.atomic import check_room, flush_to_disk, new_file, read_json, write_json
from rllib_envs.errors import MeasuringError, UserError
from rllib_envs.stem_sharing.accuracy_files import SUFFIX, accuracy_lines, check_name
from rllib_envs.stem_sharing.application import Variant
from rllib_envs.stem_sharing.layered.model_file import write_model
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.training.application import FineTuned, read_pictures, train_application
from rllib_envs.stem_sharing.training.base import FEWEST_CLASSES, Base, load_base
from rllib_envs.stem_sharing.training.finetune import Epoch
from rllib_envs.stem_sharing.training.freeze_points import parse_points
from rllib_envs.stem_sharing.training.latencies import measure_layers
from rllib_envs.stem_sharing.training.setting import Setting, read_setting

HISTORY = "history"


class Trained(NamedTuple):
    """What came of a training."""

    variants: tuple[Variant, ...]
    model_desc: Mapping[str, Any] | None
    """What the layers take, where the machine was calm enough to say."""


class Log:
    """Who follows a training: here it is printed. A server's worker keeps more of it."""

    def tell(self, line: str) -> None:
        print(line)

    def before(self) -> tuple[Variant, ...]:
        """Freeze points that an earlier training with the same inputs has done, before it was cut."""
        return ()

    def writing(self) -> None:
        """A model is about to be written. May raise TunewrightError, and then it isn't."""

    def done(self, variant: Variant) -> None:
        """A freeze point has been trained, and all of it is on the disk."""


def train(options: StemTrainOptions, log: Log = Log()) -> Trained:  # noqa: B008  (it has no state)
    """Everything that can be wrong is looked at first; what is done is on the disk at once."""
    check_name(options.name)
    setting, base = _begin(options.config_file, log)
    points = parse_points(options.indices, base.names, base.trained)
    _check_others(options.model_dir / MODEL_DESC, base, setting)
    for folder in (options.model_dir, options.log_dir):
        check_room(folder)
    pictures = read_pictures(options.image_dir, options.image_test_dir, setting)
    counts = [len(part.labels) for part in pictures[:3]]
    log.tell(
        f"{', '.join(pictures.classes)}: {counts[0]} images to learn from, {counts[1]} to end by, {counts[2]} to test"
    )
    report = _Report(options, log, points)
    left = [point for point in points if point not in report.known]
    train_application(options.name, base, pictures, left, setting, report.done, report.watch)
    log.tell(f"accuracies: {report.accuracies}, models: {options.model_dir}")
    return Trained(tuple(report.variants), _latencies_of(options, setting, base, log))


def latencies(options: LatencyOptions) -> None:
    """Exit code 4 where the machine is too busy."""
    log = Log()
    setting, base = _begin(options.config_file, log)
    check_room(options.model_dir)
    _measure(base, setting, options.model_dir, log)


def _begin(config_file: Path, log: Log) -> tuple[Setting, Base]:
    setting, unused = read_setting(config_file)
    if unused:
        log.tell(f"without effect: {', '.join(unused)}")
    return setting, load_base(setting.net, setting.weights, setting.seed)


def _check_others(path: Path, base: Base, setting: Setting) -> None:
    """Models that share a folder have to be of one network, or nothing could be shared."""
    if path.exists():
        found = BaseNetwork.from_spec(read_json(path, "what the layers of a base network take (model_desc)"))
        if list(found.tensors.values())[1:] != base.names or found.height != setting.n:
            raise UserError(
                f"{path} is of another network than {base.network} for {setting.n} pixels; choose another model_dir"
            )


def _latencies_of(options: StemTrainOptions, setting: Setting, base: Base, log: Log) -> Mapping[str, Any] | None:
    """As other applications' training has measured them, or as they are now."""
    found = options.model_dir / MODEL_DESC
    if not found.exists():
        try:
            _measure(base, setting, options.model_dir, log)
        except MeasuringError as error:
            log.tell(
                f"no latencies yet: {error}, with stem_sharing.py latencies {options.config_file} {options.model_dir}"
            )
            return None
    return read_json(found, "what the layers of a base network take (model_desc)")


def _measure(base: Base, setting: Setting, model_dir: Path, log: Log) -> None:
    network = measure_layers(base.for_classes(FEWEST_CLASSES, setting.seed), setting.n, base.network)
    write_json(model_dir / MODEL_DESC, network.to_spec())
    log.tell(f"latencies of {network.layers} layers, {network.total:.2f} of the slowest: {model_dir / MODEL_DESC}")


class _Report:
    """Writes and tells what comes of a training."""

    def __init__(self, options: StemTrainOptions, log: Log, points: Sequence[int]) -> None:
        self._models, self._history, self._log = options.model_dir, options.log_dir / HISTORY, log
        self.accuracies = options.log_dir / f"{options.name}{SUFFIX}"
        self.variants = [
            variant
            for variant in log.before()
            if variant.freeze_point in points and (self._models / variant.model_path).is_file()
        ]
        self.known = {variant.freeze_point for variant in self.variants}
        """Freeze points that needn't be trained any more."""

    def watch(self, point: int, epoch: Epoch) -> None:
        numbers = ",".join(f"{number:.4f}" for number in epoch[1:])
        with self._history.open("a") as file:
            file.write(f"{point},{epoch.number},{numbers}\n")

    def done(self, found: FineTuned) -> None:
        self._log.writing()
        with new_file(self._models / found.variant.model_path) as draft:
            write_model(draft, found.model)
            flush_to_disk(draft)
        self.variants = sorted([*self.variants, found.variant])
        with new_file(self.accuracies) as draft:
            draft.write_text(accuracy_lines(self.variants))
        point, hit, false_alarm, _ = found.variant
        self._log.tell(f"freeze point {point}: accuracy {hit:.4f}, false positives {false_alarm:.4f}")
        self._log.done(found.variant)
