"""Going on with a run that is at W&B, and everything that can be wrong with what comes from there."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from launcher.tracking.fetch import fetch_run
from launcher.tracking.mirrored import Mirrored
from launcher.tracking.reference import parse_reference
from models.checkpoint import Checkpoint
from models.policy import Policy
from models.store.run_directory import RunDirectory
from rllib_envs.errors import UserError
from tests.conftest import ROOT
from tests.launcher.tracking.conftest import Tracked, account
from tests.wandb_server import WandbServer
from tests.wandb_server.state import Artifact


def train(there: Tracked) -> tuple[str, Path]:
    """A mirrored run of two iterations: its path at the server, and its directory."""
    run, _ = there.train("--wandb=online", "--iter=2")
    known = Mirrored.of(run)
    return f"{known.entity}/{known.project}/{known.id}", run


@pytest.fixture(scope="module")
def path(server: WandbServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a run that no test goes on with."""
    folder = tmp_path_factory.mktemp("trained")
    suite = folder / "suite"
    suite.mkdir()
    for index in range(4):
        spec = {"name": f"toy{index}", "problem": "toy", "spec": {"targets": [index]}}
        (suite / f"toy{index}.json").write_text(json.dumps(spec))
    return train(account(server, folder, suite))[0]


@pytest.fixture
def elsewhere(server: WandbServer, toy_suite: Path, tmp_path: Path) -> Tracked:
    """The same account on another machine."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return account(server, folder, toy_suite)


@pytest.fixture
def artifact(server: WandbServer, path: str) -> Iterator[Artifact]:
    """The run's checkpoint, to be changed by whoever may write there."""
    found = checkpoint_of(server, path)
    kept = copy.deepcopy((found.files, found.entries))
    yield found
    found.files, found.entries = kept


def go_on(there: Tracked, place: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return there.run("train", f"--wandb_url={place}", f"--dataset={there.suite}", "--eval-size=0", *arguments)


@pytest.fixture
def refusal(server: WandbServer, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Fetches the run, which must be refused, and leave nothing."""
    for name, value in server.environment(tmp_path / "client").items():
        monkeypatch.setenv(name, value)

    def refused() -> str:
        with pytest.raises(UserError) as caught:
            fetch_run(parse_reference(path), tmp_path / "fetched" / "runs", server.api_key)
        assert not list((tmp_path / "fetched").rglob("*/*")), "something was left"
        return str(caught.value)

    return refused


def test_a_run_goes_on_bit_for_bit(server: WandbServer, tracked: Tracked, elsewhere: Tracked) -> None:
    path, run = train(tracked)
    first = Checkpoint.read(RunDirectory.open(run).last_checkpoint())
    evaluated = go_on(elsewhere, path, "--iter=0", "--wandb=off")
    assert evaluated.returncode == 0, evaluated.stderr
    (fetched,) = elsewhere.folder.glob("runs/*")
    second = Checkpoint.read(RunDirectory.open(fetched).last_checkpoint())
    assert second.counters == first.counters
    for name, array in first.learner.items():
        assert np.array_equal(array, second.learner[name])
    entity, project, run_id = path.split("/")
    done = go_on(elsewhere, f"{server.url}/{entity}/{project}/runs/{run_id}", "--iter=4", "--wandb=online")
    assert done.returncode == 0, done.stderr
    assert "goes on after iteration 2" in done.stdout
    assert [row["iteration"] for row in RunDirectory.open(fetched).metrics()] == [1, 2, 3, 4]
    assert [row["_step"] for row in server.run(path).history] == [1, 2, 3, 4]


def test_a_fork_is_another_run(server: WandbServer, path: str, elsewhere: Tracked) -> None:
    done = go_on(elsewhere, path, "--iter=3", "--fork", "--resume-anyway")
    assert done.returncode == 0, done.stderr
    (forked,) = elsewhere.folder.glob("runs/*-fork")
    known = Mirrored.of(forked)
    assert known.id != path.split("/")[2]
    assert path.split("/")[2] in server.run(f"{known.entity}/{known.project}/{known.id}").notes
    assert [row["_step"] for row in server.run(path).history] == [1, 2]


def test_a_run_is_compared_without_being_trained_on(path: str, elsewhere: Tracked) -> None:
    options = (f"--wandb_url={path}", "--trainer=ppo.PPOTrainer", "--searches=policy", "--evaluations=5", "--seeds=1")
    done = subprocess.run(
        [sys.executable, str(ROOT / "eval" / "search.py"), *options, "--workers=0"],
        capture_output=True,
        text=True,
        timeout=240,
        cwd=elsewhere.folder,
        env={**elsewhere.environment, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    (fetched,) = elsewhere.folder.glob("runs/*")
    policy = Policy.load(fetched)
    assert policy.provenance["iteration"] == 2 and policy.provenance["trainer"] == "ppo"
    assert len(list(fetched.glob("comparison-*/report.html"))) == 1


def checkpoint_of(server: WandbServer, path: str) -> Artifact:
    entity, project, run_id = path.split("/")
    return server.artifact(f"{entity}/{project}/checkpoint-{run_id}:latest")


def replace_file(artifact: Artifact, name: str, content: bytes) -> None:
    """As somebody would who may write there: the server's hash and size are those of the new content."""
    digest = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    artifact.files[name] = content
    artifact.entries[name] = {**artifact.entries.get(name, {}), "digest": digest, "size": len(content)}


EVIL_NAMES = [
    "../../evil",
    "/tmp/tunewright-evil",
    "checkpoints/../../evil",
    "..\\..\\evil",
    "learner.safetensors/../evil",
    ".bashrc",
    "evil\nname",
    "policy.pkl",
]


@pytest.mark.parametrize("name", EVIL_NAMES)
def test_evil_names(name: str, artifact: Artifact, refusal: Callable[[], str]) -> None:
    replace_file(artifact, name, b"evil")
    assert f"has a file {name!r}, which no checkpoint has; nothing was fetched" in refusal()
    assert not Path("/tmp/tunewright-evil").exists()


def test_a_link_elsewhere(artifact: Artifact, refusal: Callable[[], str]) -> None:
    artifact.entries["run.json"]["ref"] = "file:///etc/passwd"
    assert "refers for run.json to another place, 'file:///etc/passwd'" in refusal()


def huge_header(content: bytes) -> bytes:
    return (10 << 30).to_bytes(8, "little") + content[8:]


def without_learner(content: bytes) -> bytes:
    manifest = json.loads(content)
    del manifest["files"]["learner.safetensors"]
    return json.dumps(manifest).encode()


def writes_elsewhere(content: bytes) -> bytes:
    record = json.loads(content)
    record["config"]["steps"] = {"__reduce__": "os.system"}
    return json.dumps(record).encode()


POISONED = {
    "pickle": ("learner.safetensors", lambda _: b"\x80\x04cposix\nsystem\n.", "learner.safetensors"),
    "header of 10 GiB": ("learner.safetensors", huge_header, "learner.safetensors"),
    "cut off": ("learner.safetensors", lambda content: content[:-100], "learner.safetensors"),
    "a manifest that lies": ("manifest.json", without_learner, "does not list learner.safetensors"),
    "another schema": ("checkpoint.json", lambda _: b'{"schema_version": 99}', "checkpoint.json"),
    "a record with an object": ("run.json", writes_elsewhere, "run.json"),
    "metrics that are none": ("metrics.jsonl", lambda _: b"[1]\n", "metrics.jsonl"),
}


@pytest.mark.parametrize("case", POISONED)
def test_poisoned_files(case: str, artifact: Artifact, refusal: Callable[[], str]) -> None:
    name, poison, message = POISONED[case]
    replace_file(artifact, name, poison(artifact.files[name]))
    assert message in refusal()


def other_bytes(artifact: Artifact) -> None:
    artifact.files["run.json"] = artifact.files["run.json"].replace(b"toy", b"joy")


def a_lie_about_size(artifact: Artifact) -> None:
    artifact.entries["run.json"]["size"] += 1


def too_large(artifact: Artifact) -> None:
    artifact.entries["learner.safetensors"]["size"] = 1 << 40


@pytest.mark.parametrize(
    ("change", "message"),
    [(other_bytes, "Digest mismatch for file"), (a_lie_about_size, "run.json"), (too_large, "1099511627776 bytes")],
)
def test_what_is_not_as_listed(
    change: Callable[[Artifact], None], message: str, artifact: Artifact, refusal: Callable[[], str]
) -> None:
    change(artifact)
    assert message in refusal()


def test_what_is_not_there(server: WandbServer, path: str, elsewhere: Tracked) -> None:
    missing = go_on(elsewhere, f"{path}x", "--iter=3")
    assert missing.returncode == 2 and "there is no such run or artifact" in missing.stderr
    no_key = elsewhere.run("train", f"--wandb_url={path}", WANDB_API_KEY="")
    assert no_key.returncode == 2 and "there is no key" in no_key.stderr
    expired = elsewhere.run("train", f"--wandb_url={path}", WANDB_API_KEY="0" * 40)
    assert expired.returncode == 2 and "the key is not accepted" in expired.stderr
    server.state.delete_artifact(checkpoint_of(server, path))
    deleted = go_on(elsewhere, path, "--iter=3")
    assert deleted.returncode == 2 and "has no checkpoint" in deleted.stderr
