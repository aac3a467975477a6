"""Candidates learn, the seed decides, and nothing of the test part ever reaches a training."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rllib_envs.errors import UserError
from rllib_envs.images import Images
from rllib_envs.network_scaling.architecture import architecture_of
from rllib_envs.network_scaling.data import load_data_set
from rllib_envs.network_scaling.scaling import Scaling
from rllib_envs.network_scaling.training import _varied, judge, precision_of, prepared, train
from rllib_envs.network_scaling.training_setting import TrainingSetting

SETTING = TrainingSetting(images=0, validation=0, epochs=2, batch=64, learning_rate=0.05)
CPU = torch.device("cpu")
SMALL = architecture_of("preactresnet18", Scaling(1, 5, 8), channels=1, classes=10)


@pytest.fixture(scope="module")
def digits():
    return load_data_set("digits")


@pytest.fixture(scope="module")
def trained(digits):
    return train(SMALL, digits, SETTING, seed=3)


def test_a_network_learns_digits(trained, digits):
    assert trained.accuracy > 60, "guessing finds 10 %"
    assert trained.epochs == 2 and trained.error == "" and trained.seconds > 0
    loss, accuracy = judge(trained.network, 8, digits, digits.validation)
    assert accuracy == trained.accuracy and loss < math.log(10)
    assert judge(trained.network, 8, digits, digits.test)[1] > 60


def test_efficientnet_is_trained_too(digits):
    architecture = architecture_of("efficientnet_b0", Scaling(2, 5, 16), channels=1, classes=10)
    before = torch.random.get_rng_state()
    found = train(architecture, digits, replace(SETTING, epochs=1, images=256))
    assert found.error == "" and 0 <= found.accuracy <= 100
    assert torch.equal(before, torch.random.get_rng_state()), "the generator of the process is its owner's"


def test_the_seed_decides(trained, digits):
    short = replace(SETTING, epochs=1, images=320)
    torch.manual_seed(7)
    one = train(SMALL, digits, short, seed=1)
    torch.manual_seed(8)
    np.random.seed(8)
    same, other = train(SMALL, digits, short, seed=1), train(SMALL, digits, short, seed=2)
    weights = [next(iter(each.network.parameters())) for each in (one, same, other)]
    assert torch.equal(weights[0], weights[1]) and one.accuracy == same.accuracy
    assert not torch.equal(weights[0], weights[2])


def test_the_test_part_is_not_looked_at(digits):
    """Not a label of it: they are out of range here, which any use would trip over."""
    poisoned = replace(digits, test=Images(digits.test.pixels[:, :, :0], np.full_like(digits.test.labels, 99)))
    assert train(SMALL, poisoned, replace(SETTING, epochs=1, images=128)).error == ""


def test_epochs_are_told_and_end_early(digits):
    told = []
    setting = replace(SETTING, epochs=6, images=128, learning_rate=1e-12, patience=2)
    found = train(SMALL, digits, setting, watch=told.append)
    assert [epoch.number for epoch in told] == list(range(1, found.epochs + 1))
    assert found.accuracy == told[-1].validation_accuracy
    losses = [epoch.validation_loss for epoch in told]
    assert found.epochs == 6 or min(losses[-2:]) >= min(losses[:-2])


def test_patience_counts_from_the_lowest_loss(digits, monkeypatch):
    losses = iter([3.0, 2.0, 2.5, 2.1, 1.0, 0.5])
    monkeypatch.setattr("rllib_envs.network_scaling.training.judge", lambda *_: (next(losses), 50.0))
    setting = replace(SETTING, epochs=6, images=64, patience=2)
    assert train(SMALL, digits, setting).epochs == 4


def test_what_diverges_does_not_count(digits):
    found = train(SMALL, digits, replace(SETTING, epochs=3, learning_rate=1e30))
    assert found.error == "diverged in epoch 1" and found.epochs == 1


def test_images_are_resized_and_centred(digits):
    pixels = prepared(digits.train, 12, digits, CPU)
    assert pixels.shape == (1200, 1, 12, 12) and pixels.dtype == torch.float32
    same = prepared(digits.train, 8, digits, CPU)
    assert same.mean().item() == pytest.approx(0, abs=1e-4) and same.std().item() == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs of a training is 0"),
        ({"batch": 1}, "batch of a training is 1"),
        ({"images": -1}, "images of a training is -1"),
        ({"learning_rate": math.nan}, "learning_rate of a training is nan"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        TrainingSetting(**changes)


def test_settings_come_back_from_json(digits):
    assert TrainingSetting.from_json(SETTING.to_json()) == SETTING
    with pytest.raises(UserError, match="these are no settings of a training"):
        TrainingSetting.from_json({"epoch": 3})
    with pytest.raises(UserError, match="32 images are less than a batch of 64"):
        train(SMALL, digits, replace(SETTING, images=32))


def test_gradients_are_numbers_where_maps_have_one_pixel(digits, monkeypatch):
    """In 16 bits some were what happened to be in memory, and shortening them made all of them 0 or worse."""
    lengths, clip = [], torch.nn.utils.clip_grad_norm_

    def noted(parameters, most):
        lengths.append(clip(parameters, most).item())

    monkeypatch.setattr("torch.nn.utils.clip_grad_norm_", noted)
    tiny = architecture_of("preactresnet18", Scaling(1, 5, 4), channels=1, classes=10)
    assert precision_of(tiny, CPU) == "float32"
    found = train(tiny, digits, replace(SETTING, epochs=1))
    assert found.error == "" and found.how.startswith("float32")
    assert len(lengths) == 18 and all(0 < length < 1e4 for length in lengths)


def test_images_are_moved_each_by_itself():
    pixels = torch.arange(25.0).reshape(1, 1, 5, 5).repeat(64, 1, 1, 1)
    moved = _varied(pixels, np.random.default_rng(1), mirrored=False, shift=1)
    centres = {int(image[0, 2, 2]) for image in moved}
    assert centres == {6, 7, 8, 11, 12, 13, 16, 17, 18}, "by up to a pixel, in all directions"
    assert torch.equal(moved[moved[:, 0, 2, 2] == 12][0], pixels[0])
    assert torch.equal(_varied(pixels, np.random.default_rng(1), mirrored=False, shift=0), pixels)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_trains_where_there_is_one(digits):
    torch.cuda.init()
    before = torch.cuda.get_rng_state()
    one, same = (train(SMALL, digits, replace(SETTING, shift=1), seed=3) for _ in range(2))
    assert next(one.network.parameters()).is_cuda and one.how == f"float32 on {torch.cuda.get_device_name()}"
    assert one.accuracy > 60 and abs(one.accuracy - same.accuracy) < 2
    assert judge(one.network, 8, digits, digits.validation)[1] == one.accuracy
    assert torch.equal(before, torch.cuda.get_rng_state()), "the generator of the process is its owner's"
