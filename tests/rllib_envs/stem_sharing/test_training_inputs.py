"""What people hand to a training: configuration, folders of images, lists of freeze points."""

from __future__ import annotations

import dataclasses
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rllib_envs.errors import UserError
from rllib_envs.images import Images
from rllib_envs.stem_sharing.training.application import read_pictures
from rllib_envs.stem_sharing.training.freeze_points import PUBLISHED, parse_points
from rllib_envs.stem_sharing.training.image_folder import BadImage, hold_out, read_folder, read_image
from rllib_envs.stem_sharing.training.setting import Setting, read_setting
from tests.conftest import ROOT
from tests.rllib_envs.stem_sharing.pictures import SMALL, write_images

PUBLISHED_CONFIGURATION = """[finetune-config]
net = efficientnet_lite0
n = 224
batch_size = 32
max_nb_epoch = 40
nb_phase_two_epoch = 2
heavy_augmentation = 0
data_augmentation = 0
early_stop = 1
optimizer = adam
decay = 0.5
learning-rate = 0.0001
patience = 0
output_dir = /tmp/
"""
NAMES = [f"layer{number}" for number in range(21)]


def test_a_configuration_as_people_have_it(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(PUBLISHED_CONFIGURATION)
    setting, unused = read_setting(path)
    assert setting == Setting(learning_rate=1e-4, decay=0.5)
    assert unused == ("nb_phase_two_epoch", "output_dir")


def test_the_documented_configuration_is_what_there_is_without_one(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "stem_sharing.md").read_text()
    block = text[text.index("    [finetune-config]") :].partition("\n\n")[0]
    path = tmp_path / "config"
    path.write_text(textwrap.dedent(block))
    assert read_setting(path) == (Setting(), ())
    entries = {line.partition("=")[0].strip().replace("-", "_") for line in block.splitlines()[1:]}
    assert entries == {field.name for field in dataclasses.fields(Setting)} - {"heavy_augmentation"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[finetune]\nn = 3\n", r"has no section \[finetune-config\]"),
        ("n = 3\n", "can't be read"),
        ("[finetune-config]\nbatchsize = 3\n", "did you mean 'batch_size'"),
        ("[finetune-config]\nlearning_rate = 3\n", "did you mean 'learning-rate'"),
        ("[finetune-config]\nn = large\n", "n in .* is 'large'; give a whole number"),
        ("[finetune-config]\nn = 4\n", "n of a fine-tuning is 4; it has to be at least 8"),
        ("[finetune-config]\nlearning-rate = nan\n", "learning-rate of a fine-tuning has to be above 0"),
        ("[finetune-config]\ndecay = -1\n", "decay at least 0"),
        ("[finetune-config]\noptimizer = adagrad\n", "unknown optimizer 'adagrad'"),
        ("[finetune-config]\nearly_stop = maybe\n", "unknown early_stop in"),
        ("[finetune-config]\nheavy_augmentation = 1\n", "use data_augmentation"),
    ],
)
def test_bad_configurations_are_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_setting(path)


@pytest.mark.parametrize(
    ("indices", "expected"),
    [
        ("all", tuple(range(20))),
        ("19", (0, 5, 10, 15)),
        ("0", (0,)),
        ("14,0, 19,14", (0, 14, 19)),
    ],
)
def test_freeze_points(indices: str, expected: tuple[int, ...]) -> None:
    assert parse_points(indices, NAMES, 19) == expected


def test_published_freeze_points_are_for_their_networks() -> None:
    """Without the last one, which would keep a layer of random weights."""
    layers, points = PUBLISHED["mobilenets"]
    names = [str(number) for number in range(layers)]
    assert parse_points("mobilenets", names, 83) == points[:-1] == (*points[:14], 81)
    assert [len(PUBLISHED[name].points) for name in ("mobilenets", "resnet", "inception")] == [16, 22, 20]
    for name, (layers, points) in PUBLISHED.items():
        assert list(points) == sorted(set(points)) and points[0] == 0 and points[-1] == layers - 1, name
        with pytest.raises(UserError, match=f"freeze points of a network of {layers} layers, and this one has 21"):
            parse_points(name, NAMES, 19)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        ("20", "freeze point 20 would keep layer layer19"),
        ("3,99", "would keep layers? layer19|would keep layer"),
        ("mobilenet", "did you mean 'mobilenets'"),
        ("0,x", "unknown list of freeze points"),
        ("", "unknown list of freeze points"),
        ("-5", "unknown list of freeze points"),
    ],
)
def test_bad_freeze_points_are_named(indices: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_points(indices, NAMES, 19)


def test_a_folder_of_images_has_a_class_for_each_sub_folder(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", 3)
    (folder / ".hidden").mkdir()
    (folder / "red" / ".DS_Store").write_text("no image")
    (folder / "notes.txt").write_text("about these images")
    images, classes = read_folder(folder, 16)
    assert classes == ("blue", "red") and images.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert images.pixels.shape == (6, 3, 16, 16) and images.pixels.dtype == np.uint8
    means = images.pixels.mean((2, 3)).round(-1)
    assert (means[:3, 2] > means[:3, 0]).all() and (means[3:, 0] > means[3:, 2]).all(), "channels are red, green, blue"


def test_images_are_turned_the_right_way_up(tmp_path: Path) -> None:
    """A camera held upright says so in a tag, and stores the picture lying on its side."""
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, 8:] = 255
    tags = Image.Exif()
    tags[0x0112] = 6  # to be turned by 90 degrees clockwise
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=tags)
    found = read_image(tmp_path / "turned.png", 16, 16)
    assert found[:, :7].max() == 0 and found[:, 9:].min() == 255


@pytest.mark.parametrize("damage", ["text", "cut", "empty"])
def test_an_image_that_does_not_decode_is_named(damage: str, tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", 3)
    path = folder / "red" / "01.png"
    path.write_bytes({"text": b"hello", "cut": path.read_bytes()[:200], "empty": b""}[damage])
    with pytest.raises(BadImage, match=r"red/01.png can't be decoded as an image"):
        read_folder(folder, 16)


def test_folders_without_classes_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        read_folder(tmp_path / "missing", 16)
    with pytest.raises(UserError, match="has 0 sub-folders"):
        read_folder(tmp_path, 16)
    folder = write_images(tmp_path / "images", 3)
    (folder / "white").mkdir()
    with pytest.raises(UserError, match="white has no images"):
        read_folder(folder, 16)
    with pytest.raises(UserError, match="white is only in one of the two"):
        read_folder(folder, 16, ("blue", "red"))


def test_test_images_are_apart_and_of_every_class(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", 10)
    pictures = read_pictures(folder, None, SMALL)
    assert [np.bincount(part.labels).tolist() for part in pictures[:3]] == [[7, 7], [1, 1], [2, 2]]
    seen = [{image.tobytes() for image in part.pixels} for part in pictures[:3]]
    assert len(set.union(*seen)) == sum(map(len, seen)) == 20
    again = read_pictures(folder, None, SMALL)
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(pictures[:3], again[:3], strict=True))


def test_test_images_of_a_folder_of_their_own(tmp_path: Path) -> None:
    folder, tested = write_images(tmp_path / "train", 3), write_images(tmp_path / "test", 4)
    pictures = read_pictures(folder, tested, SMALL)
    assert [len(part.labels) for part in pictures[:3]] == [4, 2, 8]


def test_too_few_images_are_named(tmp_path: Path) -> None:
    few = write_images(tmp_path / "few", 2)
    with pytest.raises(UserError, match="blue has too few images to learn from; there have to be 3 at least"):
        read_pictures(few, None, SMALL)
    assert len(read_pictures(few, write_images(tmp_path / "test", 1), SMALL).train.labels) == 2


def test_a_share_of_each_class_is_held_out() -> None:
    labels = np.repeat([0, 1, 2], (50, 3, 1))
    images = Images(np.arange(54, dtype=np.uint8).reshape(54, 1, 1, 1), labels)
    left, held = hold_out(images, 0.2, np.random.default_rng(0))
    assert np.bincount(held.labels).tolist() == [10, 1] and np.bincount(left.labels).tolist() == [40, 2, 1]
    assert sorted([*left.pixels.ravel(), *held.pixels.ravel()]) == list(range(54))
