"""Where every GraphQL query starts."""

from __future__ import annotations

from typing import Any

from tests.wandb_server.nodes import ArtifactNode, ProjectNode
from tests.wandb_server.plain_nodes import user_node
from tests.wandb_server.state import ENTITY, opaque_id
from tests.wandb_server.storage import Storage


class Queries:
    """The type Query of the schema: each method or attribute is one of its fields."""

    def __init__(self, storage: Storage) -> None:
        self._state, self._storage = storage.state, storage
        # None of what newer servers offer, so that the client keeps to what each of them understands.
        self.serverInfo: dict[str, Any] = {"features": []}
        self.viewer = user_node()

    def entity(self, info: Any, name: str | None = None) -> dict[str, Any]:
        """One outside any organization."""
        name = name or ENTITY
        return {"id": opaque_id(f"Entity:{name}"), "name": name, "xxhashDigestsEnabled": False}

    def organization(self, info: Any, name: str) -> None:
        return None

    def project(self, info: Any, name: str | None = None, entityName: str | None = None) -> ProjectNode | None:
        place = (entityName or ENTITY, name or "uncategorized")
        return ProjectNode(self._storage, *place) if self._state.has_project(*place) else None

    model = project

    def artifact(self, info: Any, id: str) -> ArtifactNode | None:
        found = self._state.artifact_by_id(id)
        return ArtifactNode(self._storage, found) if found else None
