"""A run directory that is written to as a training does, and what of one a server has."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from launcher.tracking.mirrored import Mirrored
from models.store.manifest import write_manifest
from models.store.run_directory import RunDirectory
from tests.wandb_server import WandbServer
from tests.wandb_server.client import IMPATIENT
from tests.wandb_server.state import Artifact, Run

LEARNER_BYTES = 200_000


class WrittenRun:
    """Rows and checkpoints of the real form; the weights are noise."""

    def __init__(self, folder: Path) -> None:
        self.run = RunDirectory.create_at(folder, {"config": {"dataset": "toy"}, "suite_hash": "ab"})
        self.path = self.run.path
        Mirrored("loops").write(self.path)
        self.iteration = 0

    @property
    def known(self) -> Mirrored:
        found = Mirrored.of(self.path)
        assert found is not None
        return found

    def iterate(self, count: int = 1) -> None:
        for _ in range(count):
            self.iteration += 1
            self.run.log({"iteration": self.iteration, "return_mean": self.iteration / 4, "losses": {"total": 0.5}})

    def save(self) -> None:
        self.run.checkpoints.write(self.iteration, self._fill)

    def report(self) -> None:
        """Of a comparison."""
        folder = self.run.report
        (folder / "report.html").write_text("<p>A policy and its rivals.</p>")
        (folder / "summary.json").write_text(json.dumps({"policy": {"speedup": 1.5}}))
        (folder / "results.csv").write_text("method,speedup\npolicy,1.5\n")

    def _fill(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "learner.safetensors").write_bytes(os.urandom(LEARNER_BYTES))
        write_manifest(folder, {"score": float(self.iteration)})


def impatient(server: WandbServer, folder: Path, **more: str) -> Mapping[str, str]:
    """The variables of a mirror that tries often and waits for a few seconds only. They name no key."""
    known = server.environment(folder)
    kept = ("WANDB_BASE_URL", "WANDB_CONFIG_DIR", "WANDB_ERROR_REPORTING", "NETRC")
    return {**{name: known[name] for name in kept}, **IMPATIENT, "WANDB_FINISH_TIMEOUT": "8", **more}


def mirror(server: WandbServer, run: Path) -> Run:
    known = Mirrored.of(run)
    return server.run(f"{known.entity}/{known.project}/{known.id}")


def checkpoints(server: WandbServer, run: Path) -> list[Artifact]:
    """Every version at the server."""
    return [each for each in server.state.logged(mirror(server, run)) if each.type == "checkpoint"]


def same_curves(server: WandbServer, run: Path) -> None:
    rows = list(RunDirectory.open(run).metrics())
    shown = mirror(server, run).history
    assert [row["_step"] for row in shown] == [row["iteration"] for row in rows]
    assert [row["learning/return_mean"] for row in shown] == [row["return_mean"] for row in rows]


def same_checkpoint(server: WandbServer, run: Path, alias: str = "latest") -> None:
    known, newest = Mirrored.of(run), RunDirectory.open(run).last_checkpoint()
    artifact = server.artifact(f"{known.entity}/{known.project}/checkpoint-{known.id}:{alias}")
    assert {path.name for path in newest.iterdir()} | {"run.json", "metrics.jsonl"} == set(artifact.files)
    for path in newest.iterdir():
        assert artifact.files[path.name] == path.read_bytes()
    rows = [json.loads(line) for line in artifact.files["metrics.jsonl"].splitlines()]
    assert rows == [row for row in RunDirectory.open(run).metrics() if row["iteration"] <= int(newest.name)]


def each_once(server: WandbServer, run: Path) -> None:
    """No checkpoint has two versions at the server."""
    iterations = [artifact.metadata["iteration"] for artifact in checkpoints(server, run)]
    assert iterations == sorted(set(iterations))
