"""A question and its answer over ZeroMQ: a REQ socket asks a REP socket, with a shared secret or on one machine.

The executor and the server of jobs are both asked so. What they say to each other is theirs.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.stem_sharing.executor.sockets import zmq
from rllib_envs.stem_sharing.executor.token import is_local, lock_server, unlock_client

CONNECT_S = 5.0
"""Until somebody has to be there."""
HEARTBEAT_MS = 2000
"""After three times as long without a sign, a host that has vanished counts as gone."""


class Gone(TunewrightError):
    """Nobody answers."""


class Locked(Gone):
    """Somebody is there, and hangs up each time: the two sides don't have the same token."""


@dataclass(frozen=True)
class Line:
    """What both sides have to agree on."""

    address: str
    token: str | None
    purpose: bytes
    """Which of the keys that a token makes: one for each kind of who answers."""
    longest: int
    """Bytes of a message."""


class Answering:
    """The REP socket; * for the port of its address finds a free one. Close it, or use it in a `with` block."""

    def __init__(self, line: Line) -> None:
        """Raises UserError for an address that isn't one, or that others reach while there is no token."""
        if line.token is None and not is_local(line.address):
            raise UserError(
                f"{line.address!r} is not of this machine alone; give both sides a --token, or use 127.0.0.1"
            )
        self._zmq = zmq()
        self._context = self._zmq.Context()
        self._socket: Any = self._context.socket(self._zmq.REP)
        self._socket.linger = 0
        self._socket.maxmsgsize = 2 * line.longest  # who sends more is hung up on, and what is between gets an answer
        if line.token:
            lock_server(self._socket, line.token, line.purpose)
        try:
            self._socket.bind(line.address)
        except self._zmq.ZMQError as error:
            self.close()
            raise UserError(
                f"{line.address!r} can't be listened at ({error}); choose another tcp://HOST:PORT"
            ) from None

    @property
    def address(self) -> str:
        return self._socket.last_endpoint.rstrip(b"\0").decode()  # type: ignore[no-any-return]

    def asked(self, seconds: float) -> bool:
        """Whether there is a question, after waiting so long at most."""
        return bool(self._socket.poll(1000 * seconds))

    def question(self) -> bytes:
        return b"".join(self._socket.recv_multipart())

    def answer(self, message: bytes) -> None:
        """Each question has to get one."""
        self._socket.send(message)

    def close(self) -> None:
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def ask(line: Line, message: bytes, connect_s: float, reply_s: float) -> bytes:
    """The answer. Raises Gone when nobody is there, goes away or doesn't answer in time; Locked; UserError.

    Each question has a socket of its own, so that one that failed leaves nothing behind: neither a late answer nor a
    socket that waits for it.
    """
    library = zmq()
    with library.Context() as context, context.socket(library.REQ) as socket:
        socket.linger = 0
        socket.immediate = True
        socket.sndtimeo = round(1000 * connect_s)
        socket.maxmsgsize = line.longest
        socket.heartbeat_ivl, socket.heartbeat_timeout = HEARTBEAT_MS, 3 * HEARTBEAT_MS
        if line.token:
            unlock_client(socket, line.token, line.purpose)
        refused = library.EVENT_HANDSHAKE_FAILED_PROTOCOL
        with socket.get_monitor_socket(library.EVENT_CONNECTED | library.EVENT_DISCONNECTED | refused) as events:
            try:
                socket.connect(line.address)
            except library.ZMQError as error:
                raise UserError(f"{line.address!r} is no address ({error}); write tcp://HOST:PORT") from None
            try:
                socket.send(message)
                _wait(library, socket, events, reply_s)
            except library.Again:
                seen = _seen(library, events)
                # Mostly the other side hangs up first, again and again; one that ended just then was seen once. Where
                # this side is the first to notice, ZeroMQ doesn't try again.
                if seen.count(library.EVENT_CONNECTED) > 1 or refused in seen:
                    which = "who knows this token" if line.token else "who does without a token"
                    raise Locked(f"nobody is there {which}") from None
                raise Gone(f"nobody is there after {connect_s:g} s") from None
            finally:
                socket.disable_monitor()
        return socket.recv()  # type: ignore[no-any-return]


def _wait(library: Any, socket: Any, events: Any, reply_s: float) -> None:
    """Until there is an answer."""
    poller = library.Poller()
    poller.register(socket, library.POLLIN)
    poller.register(events, library.POLLIN)
    end = time.monotonic() + reply_s
    while (left := end - time.monotonic()) > 0:
        ready = dict(poller.poll(1000 * left))
        if socket in ready:
            return
        if events in ready and library.EVENT_DISCONNECTED in _seen(library, events):
            raise Gone("it went away before it answered")
    raise Gone(f"no answer after {reply_s:g} s")


def _seen(library: Any, events: Any) -> list[int]:
    """What has happened to the connection since this was asked last."""
    found = []
    while events.poll(0):
        found.append(library.utils.monitor.recv_monitor_message(events)["event"])
    return found
