"""The scheduler's end: hands nets to an executor over ZeroMQ, and waits for what it reaches."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.executor.messages import LONGEST_BYTES, ExecutorGone, read_reply, request
from rllib_envs.stem_sharing.executor.sockets import zmq
from rllib_envs.stem_sharing.executor.token import unlock_client
from rllib_envs.stem_sharing.nets import Net

CONNECT_S = 5.0
"""Until somebody has to be there."""
REPLY_S = 120.0
"""Until there has to be an answer: models are loaded, and rates measured for some seconds."""
HEARTBEAT_MS = 2000
"""After three times as long without a sign, a host that has vanished counts as gone."""


class ExecutorClient:
    """An `Executor` at an address such as tcp://127.0.0.1:5555.

    Each deployment has a socket of its own, so that one that failed leaves nothing behind: neither a late answer nor
    a socket that waits for it.
    """

    def __init__(
        self, address: str, token: str | None = None, connect_s: float = CONNECT_S, reply_s: float = REPLY_S
    ) -> None:
        self._address, self._token, self._connect_s, self._reply_s = address, token, connect_s, reply_s

    def deploy(self, deployed: Sequence[Net]) -> list[float]:
        """Raises ExecutorGone when nobody is there, goes away or doesn't answer in time, and Refused."""
        library = zmq()
        with library.Context() as context, context.socket(library.REQ) as socket:
            socket.linger = 0
            socket.immediate = True
            socket.sndtimeo = round(1000 * self._connect_s)
            socket.maxmsgsize = LONGEST_BYTES
            socket.heartbeat_ivl, socket.heartbeat_timeout = HEARTBEAT_MS, 3 * HEARTBEAT_MS
            if self._token:
                unlock_client(socket, self._token)
            with socket.get_monitor_socket(library.EVENT_DISCONNECTED) as hung_up:
                try:
                    socket.connect(self._address)
                except library.ZMQError as error:
                    raise UserError(f"{self._address!r} is no address ({error}); write tcp://HOST:PORT") from None
                try:
                    socket.send(request(deployed))
                except library.Again:
                    raise self._gone(f"nobody is there after {self._connect_s:g} s") from None
                try:
                    self._wait(library, socket, hung_up)
                finally:
                    socket.disable_monitor()
            return read_reply(socket.recv(), sum(not net.shared for net in deployed))

    def _wait(self, library: Any, socket: Any, hung_up: Any) -> None:
        """Until there is an answer."""
        poller = library.Poller()
        poller.register(socket, library.POLLIN)
        poller.register(hung_up, library.POLLIN)
        end = time.monotonic() + self._reply_s
        while (left := end - time.monotonic()) > 0:
            events = dict(poller.poll(1000 * left))
            if socket in events:
                return
            if hung_up in events:
                raise self._gone("it went away before it answered")
        raise self._gone(f"no answer after {self._reply_s:g} s")

    def _gone(self, what: str) -> ExecutorGone:
        return ExecutorGone(
            f"executor {self._address}: {what}; start it (stem_sharing.py executor), or correct --address"
        )
