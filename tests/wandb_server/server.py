"""A Weights & Biases server in threads of the test process, for the real client of `wandb` to talk to."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tests.wandb_server import file_stream
from tests.wandb_server.faults import UNAUTHORIZED, Fault, Faults
from tests.wandb_server.graphql_api import GraphqlApi
from tests.wandb_server.http_server import HttpServer
from tests.wandb_server.messages import DOWNLOAD, FILE_STREAM, GRAPHQL, UPLOAD, Answer, Refusal, Request
from tests.wandb_server.state import Artifact, Run, State
from tests.wandb_server.storage import Storage

KEY_BYTES = 20
"""Written in hexadecimal, 40 characters: the client refuses shorter keys."""
TELEMETRY = "/sdk/otel/"
"""Where the client tells how it is used; nothing here is interested."""


class WandbServer:
    """Starts with the block and ends with it. Tests read its `state` and change it."""

    def __init__(self) -> None:
        self.state = State()
        self.api_key = secrets.token_hex(KEY_BYTES)
        """The key that is accepted. A client that started with an earlier one is refused from then on."""
        self._faults = Faults()
        self._http = HttpServer(self._answer, self._faults)
        self.requests = self._http.requests
        """All that have arrived, oldest first, with the status of their answers."""
        self.url = f"http://127.0.0.1:{self._http.port}"
        self._storage = Storage(self.state, self.url)
        self.unknown: list[str] = []
        """What clients asked for in vain because this server lacks it, and errors of its own. Tests want it empty."""
        self._graphql = GraphqlApi(self._storage, self.unknown)

    def __enter__(self) -> WandbServer:
        self._http.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def environment(self, folder: Path) -> dict[str, str]:
        """The variables of a client's process. It writes below `folder` only, and is quiet."""
        settings = {
            "WANDB_BASE_URL": self.url,
            "WANDB_API_KEY": self.api_key,
            "WANDB_DIR": str(folder),
            "WANDB_DATA_DIR": str(folder / "data"),
            "WANDB_CACHE_DIR": str(folder / "cache"),
            "WANDB_CONFIG_DIR": str(folder / "config"),
            "WANDB_ARTIFACT_DIR": str(folder / "artifacts"),
            "NETRC": str(folder / "netrc"),
            "WANDB_SILENT": "true",
            "WANDB_ERROR_REPORTING": "false",
        }
        # Proxies and a W&B account of whoever runs the tests have no part in it.
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("WANDB_")}
        return {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **settings}

    @contextmanager
    def down(self) -> Iterator[None]:
        """Connections are refused meanwhile; afterwards the server is back at the same address."""
        self._http.down()
        try:
            yield
        finally:
            self._http.up()

    @contextmanager
    def faulty(self, fault: Fault, *only: str) -> Iterator[None]:
        """Requests meet the fault meanwhile: all, or those of the kinds and GraphQL operations that `only` names."""
        with self._faults.switched_on(fault, only):
            yield

    def run(self, path: str) -> Run:
        """The run at ENTITY/PROJECT/ID."""
        entity, project, run_id = path.split("/")
        return self.state.runs[entity, project, run_id]

    def artifact(self, path: str) -> Artifact:
        """The version at ENTITY/PROJECT/NAME:ALIAS."""
        entity, project, name_and_alias = path.split("/")
        found = self.state.find_artifact(entity, project, name_and_alias)
        if found is None:
            raise KeyError(path)
        return found

    def _answer(self, request: Request) -> Answer:
        with self.state.lock:
            try:
                return self._routed(request)
            except Refusal as refusal:
                return refusal.answer()
            except Exception as error:
                # A mistake in this server, or a request that it has never seen; the test is to fail for it.
                self.unknown.append(f"{request.method} {request.path} {request.operation}: {error!r}")
                return Answer.of({"error": repr(error)}, 400)

    def _routed(self, request: Request) -> Answer:
        route = request.method, request.kind
        # Storage is at signed addresses, which need no key.
        if request.kind in (GRAPHQL, FILE_STREAM) and request.api_key != self.api_key:
            raise Refusal(401, UNAUTHORIZED.message)
        if route == ("POST", GRAPHQL):
            return self._graphql.answer(request)
        if route == ("POST", FILE_STREAM):
            return file_stream.receive(self.state, request)
        if route == ("PUT", UPLOAD):
            return self._storage.put(request)
        if route == ("GET", DOWNLOAD):
            return self._storage.get(request)
        if not request.path.startswith(TELEMETRY):
            self.unknown.append(f"{request.method} {request.path}")
        raise Refusal(404, f"{request.path} is not known to this server")
