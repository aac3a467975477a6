"""Training through a server: from a client's folder of images to a schedule, also where the server is killed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launcher.stem_server.client import JobServer
from launcher.stem_server.own_redis import OwnRedis
from launcher.stem_server.store import PREFIX, Store
from rllib_envs.stem_sharing.accuracy_files import read_application
from rllib_envs.stem_sharing.layered.model_file import read_model
from tests.launcher.stem.test_stem_training import hurry, run, with_inputs
from tests.launcher.stem_server.servers import ServerProcess, in_the_file, server
from tests.processes import command_line

Client = Callable[..., int]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder to work in, with images, a base network, and latencies of its layers."""
    folder = with_inputs(tmp_path_factory.mktemp("place"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        hurry(patch)  # what a worker measured would have to be measured on a calm machine
        assert run("train", "base", "scratch", "bases", "logs/base", "0", "bus") == 0
        assert run("latencies", "config", "models") == 0
        yield folder


@pytest.fixture(scope="module")
def client(place: Path) -> Iterator[Client]:
    """Asks a server that works in the folder."""
    with server(place) as running:
        yield lambda *arguments: run("client", *arguments, *to(running))


def to(running: ServerProcess) -> tuple[str, str]:
    return "--address", running.address


def test_from_a_client_to_a_schedule(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert client("train", "bus", "config", "models", "logs", "all", "bus") == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("job ") and told[2].startswith("blue, red: ")
    assert sum(line.startswith("freeze point ") for line in told) == 12
    app = read_application(Path("logs/bus-accuracy"), "bus")
    assert client("train", "car", "config", "models", "logs", "0,6,11", "car", "car") == 0

    assert client("train", "bus", "config", "models", "logs", "0", "bus") == 2
    assert "there is an application 'bus' already" in capsys.readouterr().err
    assert client("list") == 0
    assert capsys.readouterr().out.split("\n")[1].split()[:5] == ["bus", "0", "to", "11", "(12)"]
    assert client("show", "bus") == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row == ["0", f"{app.variants[0].hit:.4f}", f"{app.variants[0].false_alarm:.4f}", "bus-0.safetensors"]
    assert client("schedule", "--apps", "bus", "car", "-b", "100", "--emit", "nets.json") == 0
    assert "car" in capsys.readouterr().out and "bus-" in Path("nets.json").read_text()
    assert client("train", "bus", "config", "models", "logs", "6", "bus", "--replace") == 0
    capsys.readouterr()
    assert client("show", "bus") == 0
    assert capsys.readouterr().out.split("\n")[2].startswith("5 ")


def test_what_fails_says_so_and_leaves_the_name(
    client: Client, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = place / "bus" / "red" / "00.png"
    whole = picture.read_bytes()
    picture.write_text("no image")
    assert client("train", "truck", "config", "models", "logs", "0", "bus") == 2
    told = capsys.readouterr()
    assert "bus/red/00.png can't be decoded as an image" in told.err and told.err.count("\n") == 1
    job = told.out.split()[1]
    assert client("status", job) == 0 and client("status") == 0
    assert capsys.readouterr().out.count("can't be decoded") == 2
    picture.write_bytes(whole)
    for arguments, message in (
        (("a/b", "config", "models", "logs", "0", "bus"), "name 'a/b' can't be that of files"),
        (("truck", "missing", "models", "logs", "0", "bus"), "configuration file"),
        (("truck", "config", "/models", "logs", "0", "bus"), "model_dir /models is outside"),
        (("truck", "config", "models", "logs", "0", "../bus"), "image_dir ../bus is outside"),
    ):
        assert client("train", *arguments) == 2
        assert message in capsys.readouterr().err
    assert client("list") == 0
    assert "truck" not in capsys.readouterr().out
    assert client("train", "truck", "config", "models", "logs", "0", "bus") == 0


@pytest.mark.slow
def test_a_training_that_was_cut_goes_on(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The server is killed in the middle; what comes out is what comes out without that, bit for bit."""
    first = ServerProcess(place, "--data", "cut")
    assert (
        run("client", "train", "tram", "config", "models", "logs", "all", "bus", "--address", first.address, "--detach")
        == 0
    )
    job = capsys.readouterr().out.split()[1]
    client = JobServer(first.address, patience_s=30)
    while client.ask("job", id=job)["points_done"] < 3:
        time.sleep(0.02)
    first.kill()
    with server(place, "--data", "cut", address=first.address):
        lines: list[str] = []
        ended = client.follow(job, lines.append)
    assert ended["state"] == "done" and ended["runs"] == 2
    (cut,) = [line for line in lines if line.startswith("cut, since the server ended; it goes on after ")]
    done = int(cut.split()[-3])
    points = [line.split()[2] for line in lines if line.startswith("freeze point ")]
    assert done >= 3 and 12 <= len(points) <= 13 and points[-1] == "11:", "the one that was cut may have said so"
    assert run("train", "tram", "config", "other", "other_logs", "all", "bus") == 0
    assert Path("logs/tram-accuracy").read_text() == Path("other_logs/tram-accuracy").read_text()
    for point in range(12):
        one, other = (read_model(Path(models) / f"tram-{point}.safetensors") for models in ("models", "other"))
        assert one.digests == other.digests and one.freeze_point == point


@pytest.mark.slow
def test_who_stands_still_loses_the_job(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two servers share a Redis. One is stopped with its workers, and when they go on, the other has done the job."""
    with OwnRedis(place / "shared") as redis:
        redis.start()
        options = ("--redis", redis.url, "--lease", "4")
        with server(place, *options) as one, server(place, *options) as two:
            assert run("client", "train", "ferry", "config", "models", "logs", "all", "bus", *to(one), "--detach") == 0
            job = capsys.readouterr().out.split()[1]
            while JobServer(one.address).ask("job", id=job)["points_done"] < 1:
                time.sleep(0.02)
            worker = Store(redis.url)._redis.hget(f"{PREFIX}job:{job}", "worker")
            still, other = (one, two) if f"-{one.pid}-" in worker else (two, one)
            workers = still.children("stem_server.worker")
            for pid in (still.pid, *workers):
                os.kill(pid, signal.SIGSTOP)
            lines: list[str] = []
            ended = JobServer(other.address).follow(job, lines.append)
            written = {path: path.stat().st_mtime_ns for path in (place / "models").glob("ferry-*")}
            for pid in (*workers, still.pid):
                os.kill(pid, signal.SIGCONT)
            while all(map(command_line, workers)):  # its server ends the one whose job is lost
                time.sleep(0.02)
            assert JobServer(still.address).ask("job", id=job)["result"] == ended["result"]
        assert ended["state"] == "done" and ended["runs"] == 2
        assert any(line.startswith("cut, since its server was not heard of; it goes on after ") for line in lines)
        assert in_the_file(place / "shared", "done") == {job: 1}
    assert written == {path: path.stat().st_mtime_ns for path in (place / "models").glob("ferry-*")}
    assert len(written) == 12


def test_cancelling_a_training(client: Client, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "long").write_text((place / "config").read_text().replace("nb_epoch = 2", "nb_epoch = 9999"))
    (place / "long").write_text((place / "long").read_text() + "early_stop = 0\n")
    assert client("train", "bike", "long", "models", "logs", "0", "bus", "--detach") == 0
    job = capsys.readouterr().out.split()[1]
    assert client("train", "bike", "config", "models", "logs", "0", "bus", "--replace") == 2
    assert f"job {job} trains application 'bike' already" in capsys.readouterr().err
    while "running" not in capsys.readouterr().out:
        assert client("status", job) == 0
    assert client("cancel", job) == 0
    assert capsys.readouterr().out == f"job {job} was running; it is cancelled\n"
    assert client("status", job, "--wait") == 4
    assert f"job {job} was cancelled" in capsys.readouterr().err
    assert client("train", "bike", "config", "models", "logs", "0", "bus") == 0
    assert (place / "models" / "bike-0.safetensors").is_file()
