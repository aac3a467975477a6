"""HTTP on a port of the loopback interface: it can go away and come back, and suffers the faults that are on."""

from __future__ import annotations

import base64
import socket
import struct
import sys
import threading
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qsl, urlsplit

from tests.wandb_server.faults import Fault, Faults
from tests.wandb_server.messages import UPLOAD, Answer, Refusal, Request

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""For SO_LINGER: closing sends RST, so that the other side sees an error rather than an end."""
POLL_S = 0.02
"""How soon the listener notices that it is to stop."""


class HttpServer:
    """Hands each request to `answer`, in a thread for each connection."""

    def __init__(self, answer: Callable[[Request], Answer], faults: Faults) -> None:
        self.requests: list[Request] = []
        """All that have arrived, oldest first."""
        self._handler = partial(_Handler, self.requests, answer, faults)
        self._listener = _Listener(0, self._handler)
        self._thread: threading.Thread | None = None
        self.port: int = self._listener.server_address[1]

    def up(self) -> None:
        self._listener.server_activate()
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(POLL_S,))
        self._thread.start()

    def down(self) -> None:
        """Refuse connections, and cut off those that there are."""
        self.close()
        self._listener = _Listener(self.port, self._handler)

    def close(self) -> None:
        if self._thread is not None:
            self._listener.shutdown()
            self._thread.join()
            self._thread = None
        self._listener.server_close()
        self._listener.cut_off_all()


class _Listener(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    """The client uploads many files at once, each over a connection of its own."""

    def __init__(self, port: int, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", port), handler, bind_and_activate=False)
        self._connections: set[socket.socket] = set()
        # Bound but not listening, the port refuses connections, and no other program can have it.
        self.server_bind()

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def cut_off_all(self) -> None:
        for connection in tuple(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # It has ended by itself.

    def handle_error(self, request: socket.socket, client_address: tuple[str, int]) -> None:
        """Connections that break are what this server is for."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    """Or small answers would wait 40 ms for the client's acknowledgement of their headers."""

    def __init__(
        self, requests: list[Request], answer: Callable[[Request], Answer], faults: Faults, *arguments: object
    ) -> None:
        self._requests, self._answer, self._faults = requests, answer, faults
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        request = Request(self.command, address.path, query, self._api_key())
        self._requests.append(request)
        length = int(self.headers.get("Content-Length") or 0)
        # The other kinds are small; and the operation that a fault is for is in the body.
        part = length // 2 if request.kind == UPLOAD else length
        request.body = self.rfile.read(part)
        fault = self._faults.strike(request) or Fault()
        if fault.cut_request:
            self._reset()
            return
        request.body += self.rfile.read(length - part)
        if len(request.body) < length:
            self.close_connection = True  # The client has gone in the middle.
            return
        answer = self._answer(request) if fault.status is None else Refusal(fault.status, fault.message).answer()
        self._send(request, answer, fault.cut_answer)

    do_POST = do_PUT = do_GET

    def _api_key(self) -> str:
        """The password of HTTP's basic authorization; the user's name stands for nothing."""
        scheme, _, credentials = self.headers.get("Authorization", "").partition(" ")
        return base64.b64decode(credentials).decode().partition(":")[2] if scheme == "Basic" else ""

    def _send(self, request: Request, answer: Answer, cut: bool) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if cut:
            self.wfile.write(answer.body[: len(answer.body) // 2])
            self._reset()
        else:
            self.wfile.write(answer.body)
            request.status = answer.status

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.connection.close()

    def log_message(self, *arguments: object) -> None:
        """`WandbServer.requests` has it."""
