"""What changes runs, artifacts and views."""

from __future__ import annotations

from typing import Any

from tests.wandb_server.connection import connection
from tests.wandb_server.messages import Refusal
from tests.wandb_server.nodes import ArtifactNode, RunNode
from tests.wandb_server.plain_nodes import file_node, view_node
from tests.wandb_server.state import ENTITY, Artifact, Run, View
from tests.wandb_server.storage import Storage, md5_of

RUN_FIELDS = {
    "groupName": "group",
    "jobType": "job_type",
    "displayName": "display_name",
    "notes": "notes",
    "tags": "tags",
    "state": "state",
    "summaryMetrics": "summary",
}
"""Of UpsertBucketInput, and what a run has of them."""
VIEW_FIELDS = {"displayName": "display_name", "description": "description", "spec": "spec"}
"""Of UpsertViewInput, and what a view has of them."""


class Mutations:
    """The type Mutation of the schema: each method is one of its fields. Inputs have null for what isn't given."""

    def __init__(self, storage: Storage) -> None:
        self._state, self._storage = storage.state, storage

    def upsertBucket(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        """Make a run, or change the one that there is: by name, or by the id that only this server makes."""
        if input.get("name"):
            key = (input.get("entityName") or ENTITY, input.get("modelName") or "uncategorized", input["name"])
            if key in self._state.deleted_runs:
                raise Refusal(409, f"run {'/'.join(key)} was previously created and deleted; try a new run name")
            is_new = key not in self._state.runs
            run = self._state.runs.setdefault(key, Run(*key))
        else:
            run, is_new = self._run_by_id(input.get("id") or ""), False
        for name, attribute in RUN_FIELDS.items():
            if input.get(name) is not None:
                setattr(run, attribute, input[name])
        if input.get("config") is not None:
            values = {name: entry["value"] for name, entry in input["config"].items()}
            run.client_config = values.pop("_wandb", {})
            run.config = values
        return {"bucket": RunNode(self._storage, run), "inserted": is_new}

    def deleteRun(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        self._state.delete_run(self._run_by_id(input["id"]), bool(input.get("deleteArtifacts")))
        return {}

    def createRunFiles(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        run = self._run(input)
        files = [file_node(path, self._storage.run_file(run, path)) for path in input["files"]]
        return {"runID": run.storage_id, "uploadHeaders": [], "files": files}

    def createArtifact(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        """Announce a version. The same content as that of one there is makes no new one."""
        name = (input.get("artifactCollectionNames") or [input.get("artifactCollectionName")])[0]
        key = (input["entityName"] or ENTITY, input["projectName"], name)
        versions = self._state.artifacts.setdefault(key, [])
        if versions and versions[0].type != input["artifactTypeName"]:
            raise Refusal(409, f"artifact {name} is of type {versions[0].type}, not {input['artifactTypeName']}")
        artifact = self._known(versions, input)
        if artifact is None:
            artifact = Artifact(
                *key,
                type=input["artifactTypeName"],
                id=self._state.new_artifact_id(),
                digest=input["digest"],
                client_id=input.get("clientID"),
                description=input.get("description"),
                metadata=input.get("metadata") or {},
            )
            versions.append(artifact)
        aliases = [entry["alias"] for entry in input.get("aliases") or ()]
        if artifact.is_committed:
            self._state.give_aliases(artifact, aliases)
        else:
            artifact.aliases = aliases
        if input.get("runName"):
            run = self._run(input)
            artifact.logged_by += [] if run in artifact.logged_by else [run]
        return {"artifact": self._node(artifact)}

    def _known(self, versions: list[Artifact], input: dict[str, Any]) -> Artifact | None:
        for artifact in versions:
            is_same_draft = artifact.client_id == input.get("clientID") is not None and artifact.state != "DELETED"
            is_same_content = artifact.is_committed and artifact.digest == input["digest"]
            if is_same_draft or (is_same_content and input.get("enableDigestDeduplication")):
                return artifact
        return None

    def createArtifactManifest(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        if input.get("type") not in (None, "FULL"):
            raise Refusal(400, f"manifests of type {input['type']} are not known to this server")
        return self._manifest(input["artifactID"], input["name"])

    def updateArtifactManifest(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        """A manifest has the id of its artifact."""
        return self._manifest(input["artifactManifestID"], "wandb_manifest.json")

    def _manifest(self, artifact_id: str, name: str) -> dict[str, Any]:
        artifact = self._artifact(artifact_id)
        return {"artifactManifest": {"id": artifact.id, "file": file_node(name, self._storage.manifest(artifact))}}

    def createArtifactFiles(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        """Addresses to upload to; none for a file that is here already."""
        files = []
        for spec in input["artifactFiles"]:
            artifact, path = self._artifact(spec["artifactID"]), spec["name"]
            file = {**file_node(path, self._storage.artifact_file(artifact, path)), "artifact": self._node(artifact)}
            if path in artifact.files and md5_of(artifact.files[path]) == spec["md5"]:
                file["uploadUrl"] = None
            files.append(file)
        return {"files": connection(files)}

    def commitArtifact(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        """Make it a version, if all its files have arrived with it or with the version that had them first."""
        artifact = self._artifact(input["artifactID"])
        if not artifact.manifest:
            raise Refusal(400, f"artifact {artifact.name} can't be committed: its manifest was not uploaded")
        for path, entry in artifact.entries.items():
            if path not in artifact.files and "ref" not in entry:
                birth = self._state.artifact_by_id(entry.get("birthArtifactID", ""))
                if birth is None or path not in birth.files:
                    raise Refusal(400, f"artifact {artifact.name} can't be committed: {path} was not uploaded")
                artifact.files[path] = birth.files[path]
        if not artifact.is_committed:
            self._state.commit(artifact)
        return {"artifact": self._node(artifact)}

    def useArtifact(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        artifact, run = self._artifact(input["artifactID"]), self._run(input)
        artifact.used_by += [] if run in artifact.used_by else [run]
        return {"artifact": self._node(artifact)}

    def updateArtifact(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        artifact = self._artifact(input["artifactID"])
        for name in ("description", "metadata"):
            if input.get(name) is not None:
                setattr(artifact, name, input[name])
        if input.get("aliases") is not None:
            artifact.aliases = []
            self._state.give_aliases(artifact, [entry["alias"] for entry in input["aliases"]])
        return {"artifact": self._node(artifact)}

    def addAliases(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        artifact = self._artifact(input["artifactID"])
        self._state.give_aliases(artifact, [entry["alias"] for entry in input["aliases"]])
        return {"success": True}

    def deleteAliases(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        artifact, gone = self._artifact(input["artifactID"]), [entry["alias"] for entry in input["aliases"]]
        artifact.aliases = [alias for alias in artifact.aliases if alias not in gone]
        return {"success": True}

    def deleteArtifact(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        artifact = self._artifact(input["artifactID"])
        if artifact.aliases and not input.get("deleteAliases"):
            raise Refusal(409, f"artifact {artifact.name}:v{artifact.version} has aliases and can't be deleted")
        self._state.delete_artifact(artifact)
        return {"artifact": self._node(artifact)}

    def upsertView(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        """Change the one with that id; without an id, make one."""
        place = (input.get("entityName") or ENTITY, input.get("projectName") or "")
        if not self._state.has_project(*place):
            raise Refusal(404, f"project {'/'.join(place)} not found")
        is_new = not input.get("id")
        view_id = self._state.new_view_id() if is_new else input["id"]
        if is_new:
            self._state.views[view_id] = View(*place, view_id, input["name"], input["type"])
        elif view_id not in self._state.views:
            raise Refusal(404, f"view {view_id} not found")
        view = self._state.views[view_id]
        for name, attribute in VIEW_FIELDS.items():
            if input.get(name) is not None:
                setattr(view, attribute, input[name])
        return {"view": view_node(view), "inserted": is_new}

    def _run(self, input: dict[str, Any]) -> Run:
        # A run that began offline knows of no entity.
        key = (input["entityName"] or ENTITY, input["projectName"], input["runName"])
        if key not in self._state.runs:
            raise Refusal(404, f"run {'/'.join(key)} not found")
        return self._state.runs[key]

    def _run_by_id(self, storage_id: str) -> Run:
        run = self._state.run_by_storage_id(storage_id)
        if run is None:
            raise Refusal(404, f"run {storage_id} not found")
        return run

    def _artifact(self, artifact_id: str) -> Artifact:
        artifact = self._state.artifact_by_id(artifact_id)
        if artifact is None:
            raise Refusal(404, f"artifact {artifact_id} not found")
        return artifact

    def _node(self, artifact: Artifact) -> ArtifactNode:
        return ArtifactNode(self._storage, artifact)
