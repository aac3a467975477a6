"""What the server remembers, as plain data that a test may read and change: runs, versions of artifacts, and views."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, field
from typing import Any

Key = tuple[str, str, str]
"""Entity, project and name: of a run its id, of an artifact the name that its versions share."""


ENTITY, USERNAME = "lab", "tester"
"""Whose key it is. Where a client names no entity, it is this one."""


@dataclass(eq=False)
class Run:
    entity: str
    project: str
    id: str
    config: dict[str, Any] = field(default_factory=dict)
    client_config: dict[str, Any] = field(default_factory=dict)
    """What the client keeps about itself under `_wandb` in the configuration."""
    summary: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    group: str | None = None
    job_type: str | None = None
    notes: str | None = None
    display_name: str | None = None
    state: str = "running"
    """`running`; `finished`, or `failed` for an exit code other than 0; a test may write `crashed`."""
    history_lines: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Rows of metrics by their line. A line that is sent twice is replaced.

    A step that is sent twice, on different lines, is there twice. W&B does not document what the real server does then.
    """
    event_lines: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Rows of the system's metrics."""
    console_lines: dict[int, str] = field(default_factory=dict)
    """As sent: `ERROR ` before what went to stderr, then a time, then the text."""
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.entity, self.project, self.id

    @property
    def storage_id(self) -> str:
        return opaque_id(f"Run:v1:{self.id}:{self.project}:{self.entity}")

    @property
    def history(self) -> list[dict[str, Any]]:
        return in_order(self.history_lines)

    @property
    def events(self) -> list[dict[str, Any]]:
        return in_order(self.event_lines)

    @property
    def console(self) -> list[str]:
        """The text of the lines."""
        return [line.removeprefix("ERROR ").partition(" ")[2] for line in in_order(self.console_lines)]


@dataclass(eq=False)
class Artifact:
    """One version of an artifact, from the client's first word of it on."""

    entity: str
    project: str
    name: str
    type: str
    id: str
    digest: str
    client_id: str | None = None
    """By which the client knows a draft again that it has announced before."""
    state: str = "PENDING"
    """`PENDING`, `COMMITTED` once it is complete, `DELETED`."""
    version: int | None = None
    """From the commit on."""
    aliases: list[str] = field(default_factory=list)
    description: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    """As the client wrote it, without its entries."""
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By path: digest, size, and `ref` for what is kept elsewhere."""
    files: dict[str, bytes] = field(default_factory=dict)
    """By path."""
    logged_by: list[Run] = field(default_factory=list)
    used_by: list[Run] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return self.entity, self.project, self.name

    @property
    def is_committed(self) -> bool:
        return self.state == "COMMITTED"


@dataclass(eq=False)
class View:
    """A workspace that was saved."""

    entity: str
    project: str
    id: str
    name: str
    type: str
    display_name: str = ""
    description: str = ""
    spec: str = "{}"
    """As the library wrote it: JSON."""

    @property
    def place(self) -> tuple[str, str]:
        return self.entity, self.project


class State:
    """All runs, artifacts and views. `lock` is held while a request is answered."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.runs: dict[Key, Run] = {}
        self.deleted_runs: set[Key] = set()
        self.artifacts: dict[Key, list[Artifact]] = {}
        """Every version by the name they share, those that are pending or deleted as well."""
        self.views: dict[str, View] = {}
        """By id."""
        self._ids = 0

    def has_project(self, entity: str, project: str) -> bool:
        return any(key[:2] == (entity, project) for key in (*self.runs, *self.deleted_runs, *self.artifacts))

    def run_by_storage_id(self, storage_id: str) -> Run | None:
        return next((run for run in self.runs.values() if run.storage_id == storage_id), None)

    def delete_run(self, run: Run, with_artifacts: bool = False) -> None:
        """Its id can't be used again."""
        del self.runs[run.key]
        self.deleted_runs.add(run.key)
        for artifact in self.logged(run) if with_artifacts else ():
            self.delete_artifact(artifact)

    def new_artifact_id(self) -> str:
        self._ids += 1
        return opaque_id(f"Artifact:{self._ids}")

    def new_view_id(self) -> str:
        self._ids += 1
        return opaque_id(f"View:{self._ids}")

    def artifact_by_id(self, artifact_id: str) -> Artifact | None:
        every = (artifact for versions in self.artifacts.values() for artifact in versions)
        return next((artifact for artifact in every if artifact.id == artifact_id), None)

    def versions(self, entity: str, project: str, name: str) -> list[Artifact]:
        """Those that a reader finds, oldest first."""
        return [artifact for artifact in self.artifacts.get((entity, project, name), []) if artifact.is_committed]

    def find_artifact(self, entity: str, project: str, name_and_alias: str) -> Artifact | None:
        """By `name:alias`, where the alias may be a version such as `v3` and is `latest` unless given."""
        name, _, alias = name_and_alias.partition(":")
        for artifact in self.versions(entity, project, name):
            if (alias or "latest") in (*artifact.aliases, f"v{artifact.version}"):
                return artifact
        return None

    def give_aliases(self, artifact: Artifact, aliases: list[str]) -> None:
        """Each points to one version only, so the others lose it."""
        for other in self.artifacts[artifact.key]:
            if other.is_committed:
                other.aliases = [alias for alias in other.aliases if alias not in aliases]
        artifact.aliases = [*(alias for alias in artifact.aliases if alias not in aliases), *dict.fromkeys(aliases)]

    def commit(self, artifact: Artifact) -> None:
        """Make it a version. It becomes `latest` and gets the aliases that it was announced with."""
        done = [other for other in self.artifacts[artifact.key] if other.version is not None]
        announced, artifact.aliases = artifact.aliases, []
        artifact.state, artifact.version = "COMMITTED", len(done)
        self.give_aliases(artifact, ["latest", *announced])

    def delete_artifact(self, artifact: Artifact) -> None:
        artifact.state, artifact.aliases = "DELETED", []

    def logged(self, run: Run) -> list[Artifact]:
        """A run's output artifacts."""
        return [artifact for key in self.artifacts for artifact in self.versions(*key) if run in artifact.logged_by]

    def used(self, run: Run) -> list[Artifact]:
        """A run's input artifacts."""
        return [artifact for key in self.artifacts for artifact in self.versions(*key) if run in artifact.used_by]


def in_order(lines: dict[int, Any]) -> list[Any]:
    return [lines[number] for number in sorted(lines)]


def opaque_id(text: str) -> str:
    """An id as the real server's: base64, which the client turns into hexadecimal and back."""
    return base64.b64encode(text.encode()).decode()
