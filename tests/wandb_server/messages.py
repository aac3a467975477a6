"""Requests and answers, apart from how they travel."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

GRAPHQL, FILE_STREAM, UPLOAD, DOWNLOAD, OTHER = "graphql", "file_stream", "upload", "download", "other"
"""Kinds of requests. A file stream is rows of metrics and lines of the console, sent while a run goes on."""
STORAGE, STORAGE_BY_DIGEST = "/storage", "/artifactsV2/"


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    api_key: str
    body: bytes = b""
    status: int | None = None
    """Of the answer; None until there is one, and when the connection was cut off."""

    @property
    def kind(self) -> str:
        if self.path == "/graphql":
            return GRAPHQL
        if self.path.endswith("/file_stream"):
            return FILE_STREAM
        if self.path == STORAGE or self.path.startswith(STORAGE_BY_DIGEST):
            return UPLOAD if self.method == "PUT" else DOWNLOAD
        return OTHER

    @property
    def operation(self) -> str:
        """The name of a GraphQL operation; empty for other kinds."""
        if self.kind != GRAPHQL or not self.body:
            return ""
        content = self.json()
        match = re.search(r"\b(?:query|mutation)\s+(\w+)", content["query"])
        return content.get("operationName") or (match[1] if match else "")

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"

    @classmethod
    def of(cls, content: Any, status: int = 200) -> Answer:
        return cls(status, json.dumps(content).encode())


class Refusal(Exception):
    """An error that the server answers with, in the two forms that clients read it in."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    def answer(self) -> Answer:
        return Answer.of({"errors": [{"message": str(self)}], "error": str(self), "data": None}, self.status)
