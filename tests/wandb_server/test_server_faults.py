"""What the stand-in for a W&B server can be told to do wrong reaches the real client, and ends when it is to end."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.devclusters import wait_until
from tests.wandb_server import WandbServer, faults
from tests.wandb_server.client import IMPATIENT, Client, ClientError
from tests.wandb_server.messages import DOWNLOAD, FILE_STREAM, UPLOAD

LOG = """
def log(name, weights):
    artifact = wandb.Artifact(name, "model")
    with artifact.new_file("weights") as file:
        file.write(weights)
    return run.log_artifact(artifact)
"""


@pytest.fixture(scope="module")
def client(server: WandbServer, folder: Path) -> Iterator[Client]:
    with Client(server.environment(folder) | IMPATIENT, folder) as client:
        client.do(LOG)
        yield client


@pytest.fixture
def run(server: WandbServer, client: Client, request: pytest.FixtureRequest):
    """A run that is going on in the client under the name `run`, as the server has it."""
    client.do(f"run = wandb.init(project='nests', id='{request.node.name}')")
    yield server.run(f"lab/nests/{request.node.name}")
    client.do("run.finish()")
    assert not server.unknown


def rows(run) -> list[int]:
    return [row["x"] for row in run.history]


def test_rows_wait_while_the_server_is_down(server, client, run):
    client.do("run.log({'x': 0})")
    wait_until(lambda: rows(run) == [0], "a row before the server goes down")
    requests = len(server.requests)
    with server.down():
        client.do("run.log({'x': 1})")
        time.sleep(1.5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", urlsplit(server.url).port))
        assert len(server.requests) == requests and rows(run) == [0]
    wait_until(lambda: rows(run) == [0, 1], "the row that had to wait")


def test_rows_wait_while_the_server_fails(server, client, run):
    retried = (faults.INTERNAL_ERROR, faults.UNAVAILABLE, faults.RATE_LIMITED, faults.STORAGE_FULL)
    for number, fault in enumerate(retried):
        with server.faulty(fault, FILE_STREAM):
            client.do(f"run.log({{'x': {number}}})")
            wait_until(lambda fault=fault: server.requests[-1].status == fault.status, "the fault")
            assert rows(run) == list(range(number))
        wait_until(lambda number=number: rows(run) == list(range(number + 1)), "the row that had to wait")


def test_only_what_is_named_fails(server, client, run):
    with server.faulty(faults.FORBIDDEN, "CreateArtifact", UPLOAD):
        client.do("run.log({'x': 0})")
        wait_until(lambda: rows(run) == [0], "a row")
        with pytest.raises(ClientError, match=r"403.*permission denied"):
            client.do("log('forbidden', 'weights').wait()")
    client.do("log('forbidden', 'weights').wait()")
    assert server.artifact("lab/nests/forbidden:v0").files == {"weights": b"weights"}


def test_a_slow_server_holds_requests(server, client):
    with server.faulty(faults.slow(1.0), "UpsertBucket"):
        start = time.monotonic()
        client.do("run = wandb.init(project='nests', id='slow')")
        assert time.monotonic() - start >= 1.0
    with server.faulty(faults.slow(1000.0), FILE_STREAM):
        client.do("run.log({'x': 0})")
        client.start("run.finish()")
        time.sleep(1.5)
    client.result()
    assert rows(server.run("lab/nests/slow")) == [0]


@pytest.mark.parametrize(
    ("fault", "message"), [(faults.UNAUTHORIZED, "user is not logged in"), (faults.FORBIDDEN, "permission denied")]
)
def test_a_run_is_refused(server, client, fault, message):
    with server.faulty(fault), pytest.raises(ClientError, match=f"CommError: {message}"):
        client.do(f"wandb.init(project='nests', id='refused-{fault.status}')")
    assert ("lab", "nests", f"refused-{fault.status}") not in server.state.runs


def test_a_key_is_revoked_and_given_back(server, client, run):
    key, server.api_key = server.api_key, "0" * 40
    with pytest.raises(ClientError, match=r"AuthenticationError: .*user is not logged in"):
        client.do("wandb.Api().run('lab/nests/' + run.id)")
    server.api_key = key
    client.do("wandb.Api().run('lab/nests/' + run.id)")


def test_an_upload_that_is_cut_off_leaves_nothing(server, client, run):
    with server.faulty(faults.CUT_REQUEST, UPLOAD):
        client.do("logged = log('cut', 'weights' * 100_000)")
        wait_until(lambda: server.state.artifacts.get(("lab", "nests", "cut")), "the artifact's announcement")
        wait_until(lambda: uploads_that_broke(server), "an upload that breaks")
        (artifact,) = server.state.artifacts["lab", "nests", "cut"]
        assert artifact.state == "PENDING" and not artifact.files
    client.do("logged.wait()")
    assert artifact.state == "COMMITTED" and artifact.files == {"weights": b"weights" * 100_000}


def uploads_that_broke(server: WandbServer) -> list[int]:
    return [len(request.body) for request in server.requests if request.kind == UPLOAD and request.status is None]


def test_an_answer_is_lost_after_it_took_effect(server, client, run):
    with server.faulty(faults.CUT_ANSWER, "CommitArtifact"), pytest.raises(ClientError, match="connection reset"):
        client.do("log('unheard', 'weights').wait()")
    assert server.artifact("lab/nests/unheard:v0").files == {"weights": b"weights"}


def test_a_download_breaks(server, client, run):
    client.do("log('broken', 'weights').wait()")
    with server.faulty(faults.CUT_ANSWER, DOWNLOAD), pytest.raises(ClientError, match="Connection broken"):
        client.do("wandb.Api().artifact('lab/nests/broken:v0').download('broken', skip_cache=True)")


def test_bytes_that_are_not_those_of_the_digest(server, client, run, folder):
    client.do("log('changed', 'weights').wait()")
    server.artifact("lab/nests/changed:v0").files["weights"] = b"poison!"
    client.do("artifact = wandb.Api().artifact('lab/nests/changed:v0'); artifact.download('changed', skip_cache=True)")
    assert (folder / "changed" / "weights").read_bytes() == b"poison!"
    with pytest.raises(ClientError, match="Digest mismatch for file: weights"):
        client.do("artifact.verify('changed')")


def test_a_size_that_lies(server, client, run):
    client.do("log('lying', 'weights').wait()")
    server.artifact("lab/nests/lying:v0").entries["weights"]["size"] = 10**15
    assert client.get("wandb.Api().artifact('lab/nests/lying:v0').size") == 10**15


def test_evil_names_reach_the_client(server, client, run):
    client.do("log('evil', 'weights').wait()")
    artifact = server.artifact("lab/nests/evil:v0")
    refusals = {
        "../../x": "Invalid artifact path",
        "/tmp/x": "Invalid artifact path",
        "x\\..\\y": "Invalid artifact path",
        "x\0y": "embedded null byte",
    }
    entry, content = artifact.entries["weights"], artifact.files["weights"]
    for name, refusal in refusals.items():
        artifact.entries, artifact.files = {name: entry}, {name: content}
        with pytest.raises(ClientError, match=refusal):
            client.do("wandb.Api().artifact('lab/nests/evil:v0').download('evil', skip_cache=True)")


def test_a_link_to_a_file_of_the_reader(server, client, run, folder):
    (folder / "secret").write_text("weights")
    client.do("log('linked', 'weights').wait()")
    artifact = server.artifact("lab/nests/linked:v0")
    del artifact.files["weights"]
    artifact.entries["weights"]["ref"] = (folder / "secret").as_uri()
    client.do("wandb.Api().artifact('lab/nests/linked:v0').download('linked', skip_cache=True)")
    assert (folder / "linked" / "weights").read_text() == "weights"
