"""Users, aliases, files and views as GraphQL shows them: dictionaries by the schema's names."""

from __future__ import annotations

import mimetypes
from typing import Any

from tests.wandb_server.connection import connection
from tests.wandb_server.state import ENTITY, USERNAME, Artifact, View, opaque_id
from tests.wandb_server.storage import md5_of

CREATED_AT = "2026-01-01T00:00:00Z"
"""Of everything."""


def user_node() -> dict[str, Any]:
    """Whose key it is that the server accepts."""
    return {
        "id": opaque_id("User:1"),
        "name": USERNAME,
        "username": USERNAME,
        "email": f"{USERNAME}@example.org",
        "entity": ENTITY,
        "flags": {},
        "admin": False,
        "teams": connection([{"name": ENTITY}]),
        "apiKeys": connection([]),
    }


def alias_nodes(artifact: Artifact, sequence: Any) -> list[dict[str, Any]]:
    names = [*artifact.aliases, f"v{artifact.version}"]
    return [{"id": opaque_id(name), "alias": name, "artifactCollection": sequence} for name in names]


def file_node(path: str, url: str, content: bytes | None = None) -> dict[str, Any]:
    """A file to write and to read at `url`; without content it isn't there yet."""
    written = {} if content is None else {"sizeBytes": len(content), "md5": md5_of(content), "digest": md5_of(content)}
    return {
        "id": opaque_id(f"File:{path}"),
        "name": path,
        "displayName": path,
        "storagePath": path,
        "mimetype": mimetypes.guess_type(path)[0],
        "updatedAt": CREATED_AT,
        "uploadUrl": url,
        "uploadHeaders": [],
        "directUrl": url,
        "url": lambda info, upload=False: url,
        **written,
    }


def view_node(view: View) -> dict[str, Any]:
    return {
        "id": view.id,
        "name": view.name,
        "type": view.type,
        "displayName": view.display_name,
        "description": view.description,
        "spec": view.spec,
    }
