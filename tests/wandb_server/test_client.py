"""The real client of W&B finds in our stand-in for a server all that it needs, and what it writes there can be read."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wandb_server import WandbServer
from tests.wandb_server.client import Client, ClientError

WRITE = """
run = wandb.init(
    project="nests", id="written", name="a name", group="a group", job_type="train", tags=["one", "two"],
    notes="a note", config={"lr": 0.1, "net": {"width": 8}},
)
for step in range(3):
    run.log({"reward": step / 2, "nested": {"depth": step}})
import numpy
run.log({
    "table": wandb.Table(columns=["size", "gflops"], data=[[64, 1.5], [128, 2.5]]),
    "image": wandb.Image(numpy.zeros((4, 4, 3), numpy.uint8)),
    "page": wandb.Html("<b>bold</b>"),
})
run.summary["best"] = 7
print("a line of the console")
for version in range(3):
    artifact = wandb.Artifact("checkpoint", "model", metadata={"iteration": version})
    with artifact.new_file("weights") as file:
        file.write(f"weights {version}")
    with artifact.new_file("folder/settings") as file:
        file.write("settings")
    run.log_artifact(artifact, aliases=[f"iter-{version}"] + ["best"] * (version < 2)).wait()
run.finish()
"""

LOG = """
def log(run_id, name, weights, *aliases):
    with wandb.init(project="nests", id=run_id) as run:
        artifact = wandb.Artifact(name, "model")
        with artifact.new_file("weights") as file:
            file.write(weights)
        run.log_artifact(artifact, aliases=list(aliases)).wait()
"""
"""For tests that change what they look at."""


@pytest.fixture(scope="module")
def client(server: WandbServer, folder: Path) -> Iterator[Client]:
    with Client(server.environment(folder), folder) as client:
        client.do(WRITE + LOG)
        yield client


@pytest.fixture(autouse=True)
def everything_is_known(server: WandbServer) -> Iterator[None]:
    yield
    unknown, server.unknown[:] = list(server.unknown), []
    assert not unknown


def test_a_run_arrives(server, client):
    run = server.run("lab/nests/written")
    assert run.config == {"lr": 0.1, "net": {"width": 8}}
    assert (run.display_name, run.group, run.job_type, run.notes) == ("a name", "a group", "train", "a note")
    assert sorted(run.tags) == ["one", "two"]
    assert [(row["_step"], row["reward"], row["nested"]) for row in run.history[:3]] == [
        (0, 0.0, {"depth": 0}),
        (1, 0.5, {"depth": 1}),
        (2, 1.0, {"depth": 2}),
    ]
    assert run.summary["reward"] == 1.0 and run.summary["best"] == 7
    assert run.console[0] == "a line of the console"
    assert run.state == "finished"
    assert any("system.memory_percent" in row for row in run.events)
    assert b"lr:" in run.files["config.yaml"]


def test_media_arrive(server, client):
    run = server.run("lab/nests/written")
    row = run.history[3]
    assert [row[name]["_type"] for name in ("table", "image", "page")] == ["table-file", "image-file", "html-file"]
    assert b"gflops" in run.files[row["table"]["path"]]
    assert run.files[row["image"]["path"]].startswith(b"\x89PNG")
    assert b"<b>bold</b>" in run.files[row["page"]["path"]]
    assert server.artifact("lab/nests/run-written-table:latest").type == "run_table"


def test_versions_of_an_artifact_and_its_aliases(server, client):
    versions = server.state.versions("lab", "nests", "checkpoint")
    assert [(each.version, sorted(each.aliases)) for each in versions] == [
        (0, ["iter-0"]),
        (1, ["best", "iter-1"]),
        (2, ["iter-2", "latest"]),
    ]
    best = server.artifact("lab/nests/checkpoint:best")
    assert best is versions[1] and best.type == "model" and best.metadata == {"iteration": 1}
    assert best.files == {"weights": b"weights 1", "folder/settings": b"settings"}
    assert best.entries["weights"]["size"] == 9
    assert best.logged_by == [server.run("lab/nests/written")]


def test_the_same_content_makes_no_new_version(server, client):
    client.do("log('first', 'same', 'weights'); log('second', 'same', 'weights', 'good')")
    (only,) = server.state.versions("lab", "nests", "same")
    assert {"latest", "good"} <= set(only.aliases)
    assert only.logged_by == [server.run("lab/nests/first"), server.run("lab/nests/second")]


def test_a_run_uses_an_artifact(server, client, folder):
    client.do("""
with wandb.init(project="nests", id="user") as run:
    run.use_artifact("checkpoint:best").download("used")
""")
    assert (folder / "used" / "weights").read_text() == "weights 1"
    assert server.artifact("lab/nests/checkpoint:v1").used_by == [server.run("lab/nests/user")]
    names = "[artifact.name for artifact in wandb.Api().run('lab/nests/user').used_artifacts()]"
    assert client.get(names) == ["checkpoint:v1"]


def test_a_run_is_read(server, client):
    client.do("run = wandb.Api().run('lab/nests/written')")
    assert client.get("run.config") == {"lr": 0.1, "net": {"width": 8}}
    assert client.get("run.summary['best']") == 7
    assert client.get("[run.state, run.name, run.group, run.tags]") == ["finished", "a name", "a group", ["one", "two"]]
    assert client.get("[row['reward'] for row in run.scan_history(keys=['reward'])]") == [0.0, 0.5, 1.0]
    assert client.get("[row['_step'] for row in run.scan_history(page_size=2)]") == [0, 1, 2, 3]
    assert client.get("[row.get('reward') for row in run.history(pandas=False)]") == [0.0, 0.5, 1.0, None]
    assert client.get("[file.name for file in run.files(per_page=2)]") == sorted(server.run("lab/nests/written").files)
    assert client.get("run.file('config.yaml').download('read').read()").startswith("_wandb:")
    assert client.get("[line.content for line in run.console_logs()][0]") == "a line of the console"
    assert "written" in client.get("[run.id for run in wandb.Api().runs('lab/nests')]")


def test_artifacts_are_read(client, folder):
    client.do("run = wandb.Api().run('lab/nests/written')")
    models = "[artifact.name for artifact in run.logged_artifacts(per_page=1) if artifact.type == 'model']"
    assert client.get(models) == ["checkpoint:v0", "checkpoint:v1", "checkpoint:v2"]
    client.do("artifact = wandb.Api().artifact('lab/nests/checkpoint:iter-2')")
    assert client.get("[artifact.version, artifact.metadata]") == ["v2", {"iteration": 2}]
    assert client.get("[artifact.logged_by().id, artifact.size, artifact.file_count]") == ["written", 17, 2]
    client.do("artifact.download('whole', skip_cache=True); artifact.verify('whole')")
    assert (folder / "whole" / "folder" / "settings").read_text() == "settings"
    client.do("artifact.get_entry('weights').download('alone', skip_cache=True)")
    assert (folder / "alone" / "weights").read_text() == "weights 2"
    assert client.get("[each.version for each in wandb.Api().artifacts('model', 'lab/nests/checkpoint')]") == [
        "v2",
        "v1",
        "v0",
    ]


def test_an_alias_moves(server, client):
    client.do("log('early', 'moved', '0', 'best', 'early'); log('late', 'moved', '1')")
    client.do("""
artifact = wandb.Api().artifact("lab/nests/moved:v1")
artifact.aliases += ["best", "passing"]
artifact.save()
artifact.aliases.remove("passing")
artifact.save()
""")
    aliases = [set(each.aliases) for each in server.state.versions("lab", "nests", "moved")]
    assert aliases == [{"early"}, {"best", "latest"}]


def test_a_run_goes_on(server, client):
    client.do("wandb.init(project='nests', id='resumed', resume='allow').log({'x': 0}); wandb.finish()")
    client.do("run = wandb.init(project='nests', id='resumed', resume='must')")
    assert client.get("[run.resumed, run.starting_step, run.summary['x']]") == [True, 1, 0]
    client.do("run.log({'x': 1}); run.finish()")
    client.do("wandb.init(project='nests', id='resumed', resume='allow').log({'x': 2}); wandb.finish()")
    assert [(row["_step"], row["x"]) for row in server.run("lab/nests/resumed").history] == [(0, 0), (1, 1), (2, 2)]


def test_only_a_run_that_exists_must_go_on(client):
    with pytest.raises(ClientError, match=r"UsageError: Run \(nowhere\) does not exist"):
        client.do("wandb.init(project='nests', id='nowhere', resume='must')")


def test_a_run_fails(server, client):
    client.do("wandb.init(project='nests', id='failed').finish(exit_code=3)")
    assert server.run("lab/nests/failed").state == "failed"


def test_an_offline_run_is_uploaded_once(server, client, folder):
    requests = len(server.requests)
    client.do("""
with wandb.init(project="nests", id="offline", mode="offline") as run:
    run.log({"x": 1})
    run.log({"x": 2})
    artifact = wandb.Artifact("offline-checkpoint", "model")
    with artifact.new_file("weights") as file:
        file.write("offline weights")
    run.log_artifact(artifact, aliases=["best"])
""")
    assert [request.kind for request in server.requests[requests:] if request.kind != "other"] == []
    (place,) = (folder / "wandb").glob("offline-run-*-offline")
    for _ in range(2):
        command = [sys.executable, "-m", "wandb", "sync", str(place)]
        subprocess.run(command, env=server.environment(folder), check=True, timeout=60, capture_output=True)
    run = server.run("lab/nests/offline")
    assert [row["x"] for row in run.history] == [1, 2] and run.state == "finished"
    best = server.artifact("lab/nests/offline-checkpoint:best")
    assert best.version == 0 and best.files == {"weights": b"offline weights"} and best.logged_by == [run]


def test_what_is_deleted_is_gone_for_readers(server, client):
    client.do("log('spared', 'doomed', '0'); log('doomed', 'doomed', '1', 'kept')")
    client.do("""
api = wandb.Api()
api.artifact("lab/nests/doomed:v0").delete()
""")
    with pytest.raises(ClientError, match="doomed:v0' not found"):
        client.do("api.artifact('lab/nests/doomed:v0')")
    with pytest.raises(ClientError, match="has aliases and can't be deleted"):
        client.do("api.artifact('lab/nests/doomed:v1').delete()")
    client.do("api.artifact('lab/nests/doomed:v1').delete(delete_aliases=True)")
    assert not server.state.versions("lab", "nests", "doomed")
    client.do("api.run('lab/nests/doomed').delete()")
    with pytest.raises(ClientError, match="Could not find run"):
        client.do("wandb.Api().run('lab/nests/doomed')")
    with pytest.raises(ClientError, match="does not exist"):
        client.do("wandb.init(project='nests', id='doomed', resume='must')")


def test_a_test_deletes_for_readers(server, client):
    client.do("wandb.init(project='nests', id='dropped').finish()")
    server.state.delete_run(server.run("lab/nests/dropped"))
    with pytest.raises(ClientError, match="Could not find run"):
        client.do("wandb.Api().run('lab/nests/dropped')")


def test_what_is_not_known_is_refused_and_recorded(server, client):
    with pytest.raises(ClientError, match="Cannot query field 'models' on type 'Query'"):
        client.do("list(wandb.Api().projects('lab'))")
    with pytest.raises(ClientError, match="filters such as"):
        client.do("list(wandb.Api().runs('lab/nests', filters={'state': 'finished'}))")
    assert len(server.unknown) >= 2 and all("GetProjects" in each or "Runs" in each for each in server.unknown)
    server.unknown.clear()


def test_nothing_outside_the_folder_is_touched(server, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "client"
    home.mkdir()
    folder.mkdir()
    with Client(server.environment(folder) | {"HOME": str(home)}, folder) as client:
        client.do("wandb.init(project='nests', id='homeless').finish(); wandb.Api().run('lab/nests/homeless')")
    assert list(home.iterdir()) == []
    assert server.run("lab/nests/homeless").state == "finished"
