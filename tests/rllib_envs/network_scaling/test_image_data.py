"""Data sets of images: what the files hold, in parts that have nothing in common, and nothing that could run."""

from __future__ import annotations

import ast
import gzip

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.data import DATA_SETS, SHAPES, load_data_set
from rllib_envs.network_scaling.data import fashion_mnist as fashion
from tests.conftest import ROOT

BYTES = (0, 0, 8)


def write_idx(path, array):
    head = bytes((*BYTES, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(head + array.tobytes(), 1))


def write_fashion(folder, train, test):
    """The package's four files, with so many images whose first two pixels hold their number."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        pixels = np.zeros((count, 28, 28), np.uint8)
        pixels[:, 0, 0], pixels[:, 0, 1] = np.arange(count) % 256, np.arange(count) // 256
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", pixels)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", (np.arange(count) % 10).astype(np.uint8))


def write_cifar(folder, name, train, test):
    """The binary version with random images, whose labels are their numbers."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)

    def write(file, count):
        labels = np.arange(count)[:, None]
        head = labels % 10 if name == "cifar10" else np.hstack((np.full((count, 1), 19), labels % 100))
        rows = np.hstack((head, rng.integers(0, 256, (count, 3072)))).astype(np.uint8)
        (folder / file).write_bytes(rows.tobytes())

    if name == "cifar10":
        for number in range(1, 6):
            write(f"data_batch_{number}.bin", train // 5)
    else:
        write("train.bin", train)
    write("test_batch.bin" if name == "cifar10" else "test.bin", test)


def test_digits_are_split_in_three():
    data = load_data_set("digits")
    parts = (data.train, data.validation, data.test)
    assert [len(part.labels) for part in parts] == [1200, 300, 297]
    assert data.train.pixels.dtype == np.uint8 and data.train.pixels.shape[1:] == (1, 8, 8)
    assert data.train.pixels.max() == 255 and not data.mirrored
    assert all(np.bincount(part.labels, minlength=10).min() >= 15 for part in parts)
    again = load_data_set("digits")
    assert all(np.array_equal(one, other) for one, other in zip(data.train, again.train, strict=True))


def test_fashion_mnist_keeps_validation_and_test_apart(tmp_path, monkeypatch):
    write_fashion(tmp_path / fashion.INSTALLED, 60_000, 50)
    data = load_data_set("fashion_mnist", tmp_path)
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [50_000, 10_000, 50]
    numbers = [256 * part.pixels[:, 0, 0, 1].astype(int) + part.pixels[:, 0, 0, 0] for part in data_parts(data)]
    assert len(np.intersect1d(*numbers)) == 0 and len(np.union1d(*numbers)) == 60_000
    assert all(np.array_equal(part.labels, of % 10) for part, of in zip(data_parts(data), numbers, strict=True))
    assert data.test.pixels.flags.writeable
    direct = load_data_set("fashion_mnist", tmp_path / fashion.INSTALLED)
    assert np.array_equal(direct.validation.labels, data.validation.labels)


def data_parts(data):
    return data.train, data.validation


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_read_from_its_binary_version(name, tmp_path):
    inside = "cifar-10-batches-bin" if name == "cifar10" else "cifar-100-binary"
    write_cifar(tmp_path / inside, name, 5_500, 200)
    data = load_data_set(name, tmp_path)
    assert [len(part.labels) for part in (data.train, data.validation, data.test)] == [500, 5_000, 200]
    assert data.test.pixels.shape[1:] == (3, 32, 32)
    assert np.array_equal(data.test.labels, np.arange(200) % SHAPES[name][1]), "fine labels, not coarse ones"
    file = tmp_path / inside / ("test_batch.bin" if name == "cifar10" else "test.bin")
    first = np.frombuffer(file.read_bytes(), np.uint8)[1 if name == "cifar10" else 2 :][:3072]
    assert np.array_equal(data.test.pixels[0].ravel(), first)


def test_shapes_are_known_without_files():
    assert SHAPES.keys() == DATA_SETS.keys()
    data = load_data_set("digits")
    assert SHAPES["digits"] == (data.channels, data.classes)


def damaged(folder, what):
    path = folder / "train-images-idx3-ubyte.gz"
    match what:
        case "missing":
            path.unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[:-40])
        case "text":
            path.write_text("not gzip")
        case "flipped":
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 0xFF
            path.write_bytes(bytes(content))
        case "short":
            path.write_bytes(gzip.compress(bytes((*BYTES, 3)) + np.array((9, 28, 28), ">u4").tobytes() + b"12"))
        case "empty":
            path.write_bytes(gzip.compress(b""))
        case "labels":
            write_idx(folder / "train-labels-idx1-ubyte.gz", np.full(20, 11, np.uint8))
        case "fewer":
            write_idx(folder / "train-labels-idx1-ubyte.gz", np.zeros(19, np.uint8))


@pytest.mark.parametrize("what", ["missing", "cut", "text", "flipped", "short", "empty", "labels", "fewer"])
def test_damaged_files_are_named(what, tmp_path):
    write_fashion(tmp_path, 20, 5)
    damaged(tmp_path, what)
    with pytest.raises(UserError) as refused:
        load_data_set("fashion_mnist", tmp_path)
    assert str(tmp_path) in str(refused.value)


def test_what_is_missing_is_told_with_the_way_to_get_it(tmp_path):
    with pytest.raises(UserError, match=r"apt-get install dataset-fashion-mnist.*dpkg-deb -x"):
        load_data_set("fashion_mnist", tmp_path)
    with pytest.raises(UserError, match="cifar100 is not shipped; fetch its binary version"):
        load_data_set("cifar100")
    with pytest.raises(UserError, match=r"has no data_batch_1.bin; cifar10 needs the binary version"):
        load_data_set("cifar10", tmp_path)
    with pytest.raises(UserError, match="unknown data set of images 'cifar'; did you mean"):
        load_data_set("cifar")


def test_cifar_of_the_wrong_size_is_refused(tmp_path):
    write_cifar(tmp_path, "cifar100", 5_500, 20)
    (tmp_path / "test.bin").write_bytes(b"\x80\x02}q\x00")
    with pytest.raises(UserError, match="which are no images of 3074"):
        load_data_set("cifar100", tmp_path)


def test_nothing_here_unpickles():
    """A pickle runs what its author likes, so no file of the user's is ever read as one."""
    for path in (ROOT / "rllib_envs" / "network_scaling").rglob("*.py"):
        tree = ast.parse(path.read_text())
        imports = [
            name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
        ]
        assert not {"pickle", "dill", "joblib", "shelve", "marshal"} & set(imports), path
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for call in calls:
            text = ast.unparse(call)
            assert not text.startswith(("torch.load(", "pickle.")), f"{path}: {text}"
            assert "allow_pickle" not in text, f"{path}: {text}"
