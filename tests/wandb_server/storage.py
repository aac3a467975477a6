"""Where files' bytes come in and go out. The real server lends signed addresses of a bucket for that."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import unquote, urlencode

from tests.wandb_server.messages import STORAGE, Answer, Refusal, Request
from tests.wandb_server.state import Artifact, Run, State


class Storage:
    def __init__(self, state: State, url: str) -> None:
        self.state, self._url = state, url

    def artifact_file(self, artifact: Artifact, path: str) -> str:
        """The address of a file, to write and to read. A path is no part of it, for it may be an evil one."""
        return self._address(artifact=artifact.id, path=path)

    def manifest(self, artifact: Artifact) -> str:
        return self._address(manifest=artifact.id)

    def run_file(self, run: Run, path: str) -> str:
        return self._address(run=run.storage_id, path=path)

    def _address(self, **query: str) -> str:
        return f"{self._url}{STORAGE}?{urlencode(query)}"

    def put(self, request: Request) -> Answer:
        query, body = request.query, request.body
        if "manifest" in query:
            artifact = self._artifact(query["manifest"])
            artifact.manifest = json.loads(body)
            artifact.entries = artifact.manifest.pop("contents")
        elif "artifact" in query:
            self._artifact(query["artifact"]).files[query["path"]] = body
        else:
            self._run(query["run"]).files[query["path"]] = body
        return Answer()

    def get(self, request: Request) -> Answer:
        query = request.query
        if request.path != STORAGE:
            return self._get_by_digest(request)
        if "manifest" in query:
            artifact = self._artifact(query["manifest"])
            return Answer.of({**artifact.manifest, "contents": artifact.entries})
        files = self._artifact(query["artifact"]).files if "artifact" in query else self._run(query["run"]).files
        if query["path"] not in files:
            raise Refusal(404, f"no file {query['path']!r}")
        return Answer(body=files[query["path"]])

    def _get_by_digest(self, request: Request) -> Answer:
        """GET /artifactsV2/REGION/ENTITY/PROJECT/NAME/ARTIFACT/DIGEST/FILE: what the client falls back to.

        The artifact is the one that the file was first part of.
        """
        artifact_id, digest = (unquote(part) for part in request.path.split("/")[6:8])
        artifact = self._artifact(artifact_id)
        for path, entry in artifact.entries.items():
            if base64.b64decode(entry["digest"]).hex() == digest and path in artifact.files:
                return Answer(body=artifact.files[path])
        raise Refusal(404, f"no file with digest {digest}")

    def _artifact(self, artifact_id: str) -> Artifact:
        artifact = self.state.artifact_by_id(artifact_id)
        if artifact is None:
            raise Refusal(404, f"no artifact {artifact_id}")
        return artifact

    def _run(self, storage_id: str) -> Run:
        run = self.state.run_by_storage_id(storage_id)
        if run is None:
            raise Refusal(404, f"no run {storage_id}")
        return run


def md5_of(content: bytes) -> str:
    """As manifests have it."""
    return base64.b64encode(hashlib.md5(content).digest()).decode()
