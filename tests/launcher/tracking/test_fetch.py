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

from launcher.cli import main
from launcher.tracking import account as hidden_key
from launcher.tracking.fetch import fetch_run
from launcher.tracking.mirrored import Mirrored
from launcher.tracking.reference import parse_reference
from models.checkpoint import Checkpoint
from models.policy import Policy
from models.store.run_directory import RunDirectory
from rllib_envs.errors import UserError
from tests.conftest import ROOT
from tests.launcher.tracking.conftest import Tracked, account
from tests.wandb_server import WandbServer, faults
from tests.wandb_server.faults import Fault
from tests.wandb_server.messages import DOWNLOAD
from tests.wandb_server.state import Artifact, Run


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


def test_a_run_is_replayed(path: str, elsewhere: Tracked) -> None:
    done = elsewhere.run("replay", path, f"--bench={elsewhere.suite / 'toy0.json'}", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["benchmark"] == "toy0" and told["steps"] and told["answer"]["verified"]


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


@pytest.fixture
def told(
    server: WandbServer, toy_suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> Callable[..., str]:
    """Asks `tunewright train` to go on with what is at a place, and gives the line that it refuses with."""
    home = account(server, tmp_path, toy_suite)
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(hidden_key, "_hidden", [])
    monkeypatch.chdir(tmp_path)

    def refused(place: str, *options: str) -> str:
        with pytest.raises(SystemExit) as caught:
            main(["train", f"--wandb_url={place}", f"--dataset={toy_suite}", "--eval-size=0", *options])
        assert caught.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return refused


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("ent/loops", "is no run at Weights & Biases; give entity/project/run_id"),
        ("https://wandb.ai/ent/loops", "is the address of no run; open the run's page and copy that"),
        ("https://evil.org/ent/loops/runs/1", "is at evil.org; runs are fetched from wandb.ai"),
    ],
)
def test_no_address(place: str, message: str, told: Callable[..., str]) -> None:
    assert message in told(place)


def test_no_key(path: str, told: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY")
    assert "there is no key: set WANDB_API_KEY" in told(path)


def test_no_such_run(path: str, told: Callable[..., str]) -> None:
    assert f"{path}x can't be fetched: there is no such run or artifact" in told(f"{path}x")


def test_a_run_without_checkpoint(server: WandbServer, told: Callable[..., str]) -> None:
    run = Run("lab", "tunewright", "untrained")
    server.state.runs[run.key] = run
    line = told("lab/tunewright/untrained")
    assert "has no checkpoint; it was not mirrored, or its checkpoints were deleted. Go on from its run" in line


def test_a_run_of_another_problem(path: str, told: Callable[..., str]) -> None:
    assert "is of problem 'toy', not 'loop_nest'" in told(path, "--problem=loop_nest")


def test_a_deleted_artifact(server: WandbServer, path: str, told: Callable[..., str]) -> None:
    checkpoint = checkpoint_of(server, path)
    entity, project, _ = path.split("/")
    place = f"{entity}/{project}/{checkpoint.name}:v{checkpoint.version}"
    state, aliases = checkpoint.state, checkpoint.aliases
    server.state.delete_artifact(checkpoint)
    try:
        assert "there is no such run or artifact; is it spelt right, or was it deleted?" in told(place)
        assert "has no checkpoint; it was not mirrored, or its checkpoints were deleted" in told(path)
    finally:
        checkpoint.state, checkpoint.aliases = state, aliases


@pytest.mark.parametrize("only", [(), ("Run",), ("FetchArtifactManifest",), (DOWNLOAD,)])
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (faults.UNAUTHORIZED, "the key is not accepted, perhaps it has expired; make a new one"),
        (faults.FORBIDDEN, "this account may not do that; ask the owner of the project"),
        (faults.QUOTA_EXCEEDED, "the storage or the quota there is used up; delete runs or artifacts"),
    ],
)
def test_a_server_that_refuses(
    fault: Fault, message: str, only: tuple[str, ...], server: WandbServer, path: str, refusal: Callable[[], str]
) -> None:
    with server.faulty(fault, *only):
        told = refusal()
    assert f"{path} can't be fetched: {message}" in told
    assert "?" not in told.rpartition("(")[2], "an address lets whoever has it read"


def test_a_server_that_does_not_answer(
    server: WandbServer, path: str, refusal: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "1")
    for fault in (faults.slow(1000.0), faults.INTERNAL_ERROR):
        with server.faulty(fault):
            assert f"{path} can't be fetched: the server is not reached or does not answer" in refusal()


def test_a_limit_that_is_none(path: str, refusal: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_INIT_TIMEOUT", "soon")
    assert refusal() == "WANDB_INIT_TIMEOUT is 'soon', and it has to be a number of seconds above 0"
