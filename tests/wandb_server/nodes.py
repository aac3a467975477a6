"""How runs and artifacts look through GraphQL: each class is a type of the schema, each attribute a field of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError

from tests.wandb_server.connection import connection
from tests.wandb_server.plain_nodes import CREATED_AT, alias_nodes, file_node, user_node, view_node
from tests.wandb_server.state import Artifact, Run, opaque_id
from tests.wandb_server.storage import Storage

NO_EXPIRY = -2
"""Seconds that an artifact is kept: as long as its project says, which is for ever."""


class ProjectNode:
    typename = "Project"
    internalId = "1"
    readOnly = isBenchmark = False
    createdAt = CREATED_AT

    def __init__(self, storage: Storage, entity: str, name: str) -> None:
        self._state, self._storage = storage.state, storage
        self.name, self.entityName = name, entity
        self.id = opaque_id(f"Project:v1:{name}:{entity}")
        self.entity = {"id": opaque_id(f"Entity:{entity}"), "name": entity}
        self.user = user_node()

    def allViews(
        self, info: Any, viewType: str | None = None, viewName: str | None = None, userName: str | None = None
    ) -> dict[str, Any]:
        views = (view for view in self._state.views.values() if view.place == (self.entityName, self.name))
        found = (view for view in views if viewType in (None, view.type) and viewName in (None, view.name))
        return connection(view_node(view) for view in found)

    def run(self, info: Any, name: str) -> RunNode | None:
        run = self._state.runs.get((self.entityName, self.name, name))
        return RunNode(self._storage, run) if run else None

    def bucket(self, info: Any, name: str, missingOk: bool = False) -> RunNode | None:
        return self.run(info, name)

    def runCount(self, info: Any, filters: Any = None) -> int:
        return len(self._runs(filters))

    def runs(
        self, info: Any, filters: Any = None, order: str = "", first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        return connection(self._runs(filters), first, after)

    def _runs(self, filters: Any) -> list[RunNode]:
        if filters:
            raise GraphQLError(f"filters such as {filters} are not known to this server")
        runs = (run for run in self._state.runs.values() if run.key[:2] == (self.entityName, self.name))
        return [RunNode(self._storage, run) for run in runs]

    def artifact(self, info: Any, name: str) -> ArtifactNode | None:
        found = self._state.find_artifact(self.entityName, self.name, name)
        return ArtifactNode(self._storage, found) if found else None

    def artifactCollectionMembership(self, info: Any, name: str) -> MembershipNode | None:
        found = self._state.find_artifact(self.entityName, self.name, name)
        return MembershipNode(self._storage, found) if found else None

    def artifactCollection(self, info: Any, name: str) -> SequenceNode | None:
        return self._sequence(name)

    def artifactType(self, info: Any, name: str) -> ArtifactTypeNode | None:
        names = {key[2] for key in self._state.artifacts if key[:2] == (self.entityName, self.name)}
        sequences = [sequence for each in sorted(names) if (sequence := self._sequence(each))]
        return ArtifactTypeNode(name, [each for each in sequences if each.defaultArtifactType.name == name])

    def _sequence(self, name: str) -> SequenceNode | None:
        versions = self._state.versions(self.entityName, self.name, name)
        return SequenceNode(self._storage, versions[-1]) if versions else None


class RunNode:
    typename = "Run"
    projectId = "1"
    readOnly = False
    sweepName = description = commit = None
    createdAt = heartbeatAt = CREATED_AT

    def __init__(self, storage: Storage, run: Run) -> None:
        self._state, self._storage, self._run = storage.state, storage, run
        self.id, self.name, self.displayName = run.storage_id, run.id, run.display_name or run.id
        self.state, self.tags, self.notes = run.state, run.tags, run.notes
        self.group, self.jobType = run.group, run.job_type
        self.summaryMetrics = run.summary
        self.systemMetrics = run.events[-1] if run.events else {}
        self.user = user_node()
        self.historyLineCount = len(run.history_lines)
        self.eventsLineCount = len(run.event_lines)
        self.logLineCount = len(run.console_lines)
        # Lists of JSON in JSON; from the last row the client knows at which step to go on.
        self.historyTail = [json.dumps(row) for row in run.history[-1:]]
        self.eventsTail = [json.dumps(row) for row in run.events[-1:]]
        self.fileCount = len(run.files)

    @property
    def project(self) -> ProjectNode:
        return ProjectNode(self._storage, *self._run.key[:2])

    @property
    def config(self) -> dict[str, Any]:
        values = {**self._run.config, "_wandb": self._run.client_config}
        return {name: {"value": value} for name, value in values.items()}

    def wandbConfig(self, info: Any, keys: list[str]) -> dict[str, Any]:
        """Without the key `t` the client crashes when it resumes a run."""
        return {key: self._run.client_config.get(key, {}) for key in keys}

    @property
    def historyKeys(self) -> dict[str, Any]:
        keys = {key for row in self._run.history for key in row}
        last_step = max((row["_step"] for row in self._run.history), default=-1)
        return {"keys": {key: {} for key in keys}, "lastStep": last_step}

    def history(
        self, info: Any, minStep: int = 0, maxStep: int | None = None, samples: int | None = None
    ) -> list[dict[str, Any]]:
        """Rows of the steps from `minStep` up to and without `maxStep`."""
        rows = [row for row in self._run.history if minStep <= row["_step"]]
        return [row for row in rows if maxStep is None or row["_step"] < maxStep][:samples]

    def events(self, info: Any, samples: int | None = None) -> list[dict[str, Any]]:
        return self._run.events[:samples]

    def sampledHistory(self, info: Any, specs: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        """For each of the specs those columns of the rows that have them all."""
        return [
            [{key: row[key] for key in spec["keys"]} for row in self._run.history if set(spec["keys"]) <= set(row)]
            for spec in specs
        ]

    def parquetHistory(self, info: Any, liveKeys: list[str]) -> dict[str, Any]:
        """Nothing has been moved to Parquet files; every row is still live."""
        return {"parquetUrls": [], "liveData": self._run.history}

    def logLines(
        self,
        info: Any,
        first: int | None = None,
        last: int | None = None,
        after: str | None = None,
        useImprovedPagination: bool = False,
    ) -> dict[str, Any]:
        numbers = sorted(self._run.console_lines)
        lines = [{"number": number, "line": line} for number, line in zip(numbers, self._run.console, strict=True)]
        return connection(lines[-last:] if last else lines, first, after)

    def files(
        self,
        info: Any,
        names: list[str] | None = None,
        pattern: str | None = None,
        first: int | None = None,
        after: str | None = None,
    ) -> dict[str, Any]:
        if pattern is not None:
            raise GraphQLError(f"patterns such as {pattern} are not known to this server")
        found = (path for path in sorted(self._run.files) if not names or path in names)
        nodes = (file_node(path, self._storage.run_file(self._run, path), self._run.files[path]) for path in found)
        return connection(nodes, first, after)

    def outputArtifacts(self, info: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        return connection(self._artifacts(self._state.logged), first, after)

    def inputArtifacts(self, info: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        return connection(self._artifacts(self._state.used), first, after)

    def _artifacts(self, which: Callable[[Run], list[Artifact]]) -> list[ArtifactNode]:
        return [ArtifactNode(self._storage, artifact) for artifact in which(self._run)]


class ArtifactNode:
    typename = "Artifact"
    tags: tuple[()] = ()
    ttlDurationSeconds, ttlIsInherited = NO_EXPIRY, True
    historyStep = None
    digestAlgorithm = "MANIFEST_MD5"
    createdAt = updatedAt = CREATED_AT

    def __init__(self, storage: Storage, artifact: Artifact) -> None:
        self._state, self._storage, self._artifact = storage.state, storage, artifact
        self.id, self.state, self.digest = artifact.id, artifact.state, artifact.digest
        self.versionIndex, self.description, self.metadata = artifact.version, artifact.description, artifact.metadata
        self.size = sum(entry.get("size", 0) for entry in artifact.entries.values())
        self.fileCount = len(artifact.entries)
        self.commitHash = artifact.digest[:20]
        self.currentManifest = {"id": artifact.id, "file": file_node("wandb_manifest.json", storage.manifest(artifact))}

    @property
    def artifactType(self) -> ArtifactTypeNode:
        return ArtifactTypeNode(self._artifact.type, [self.artifactSequence])

    @property
    def artifactSequence(self) -> SequenceNode:
        return SequenceNode(self._storage, self._artifact)

    @property
    def artifactMemberships(self) -> dict[str, Any]:
        return connection([MembershipNode(self._storage, self._artifact)])

    @property
    def aliases(self) -> list[dict[str, Any]]:
        return alias_nodes(self._artifact, self.artifactSequence)

    @property
    def createdBy(self) -> RunNode | None:
        makers = self._artifact.logged_by
        return RunNode(self._storage, makers[0]) if makers else None

    @property
    def usedBy(self) -> dict[str, Any]:
        return connection(RunNode(self._storage, run) for run in self._artifact.used_by)


class ArtifactTypeNode:
    typename = "ArtifactType"
    description = None
    createdAt = CREATED_AT

    def __init__(self, name: str, sequences: list[SequenceNode]) -> None:
        self.id, self.name, self._sequences = opaque_id(f"ArtifactType:{name}"), name, sequences

    def artifactCollection(self, info: Any, name: str) -> SequenceNode | None:
        return next((sequence for sequence in self._sequences if sequence.name == name), None)

    def artifactCollections(
        self, info: Any, first: int | None = None, after: str | None = None, filters: Any = None, order: str = ""
    ) -> dict[str, Any]:
        return connection(self._sequences, first, after)


class SequenceNode:
    """All versions of one name."""

    typename = "ArtifactSequence"
    description = None
    tags: dict[str, Any] = connection([])
    digestAlgorithm = "MANIFEST_MD5"
    createdAt = updatedAt = CREATED_AT

    def __init__(self, storage: Storage, artifact: Artifact) -> None:
        self._state, self._storage, self._artifact = storage.state, storage, artifact
        self.id, self.name = opaque_id("ArtifactSequence:" + "/".join(artifact.key)), artifact.name

    @property
    def project(self) -> ProjectNode:
        return ProjectNode(self._storage, *self._artifact.key[:2])

    @property
    def defaultArtifactType(self) -> ArtifactTypeNode:
        return ArtifactTypeNode(self._artifact.type, [self])

    @property
    def latestArtifact(self) -> ArtifactNode | None:
        versions = self._versions()
        return versions[-1] if versions else None

    def aliases(self, info: Any, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        versions = self._state.versions(*self._artifact.key)
        return connection((alias for each in versions for alias in alias_nodes(each, self)), first, after)

    def artifactMembership(self, info: Any, aliasName: str) -> MembershipNode | None:
        found = self._state.find_artifact(*self._artifact.key[:2], f"{self.name}:{aliasName}")
        return MembershipNode(self._storage, found) if found else None

    def artifacts(
        self, info: Any, first: int | None = None, after: str | None = None, order: str = "", filters: Any = None
    ) -> dict[str, Any]:
        """Newest first."""
        page = connection(reversed(self._versions()), first, after)
        for edge in page["edges"]:
            edge["version"] = f"v{edge['node'].versionIndex}"
        return page

    def _versions(self) -> list[ArtifactNode]:
        versions = self._state.versions(*self._artifact.key)
        return [ArtifactNode(self._storage, artifact) for artifact in versions]


class MembershipNode:
    """A version's place in its collection."""

    typename = "ArtifactCollectionMembership"
    createdAt = CREATED_AT

    def __init__(self, storage: Storage, artifact: Artifact) -> None:
        self._storage, self._artifact = storage, artifact
        self.id = opaque_id(f"ArtifactCollectionMembership:{artifact.id}")
        self.artifact = ArtifactNode(storage, artifact)
        self.artifactCollection = self.artifact.artifactSequence
        self.versionIndex, self.aliases = artifact.version, self.artifact.aliases

    def files(
        self, info: Any, names: list[str] | None = None, first: int | None = None, after: str | None = None
    ) -> dict[str, Any]:
        found = (path for path in self._artifact.entries if not names or path in names)
        nodes = (
            file_node(path, self._storage.artifact_file(self._artifact, path), self._artifact.files.get(path))
            for path in found
        )
        return connection(nodes, first, after)
