"""The executor's end: takes nets over ZeroMQ, has them run, and answers with what they reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol

from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.stem_sharing.executor.messages import LONGEST_BYTES, read_request, refusal, reply
from rllib_envs.stem_sharing.executor.sockets import zmq
from rllib_envs.stem_sharing.executor.token import is_local, lock_server
from rllib_envs.stem_sharing.nets import WireNet


class Runs(Protocol):
    """What runs nets."""

    def deploy(self, nets: Sequence[WireNet]) -> Sequence[float]:
        """Run these from now on; the frames/s that each reaches which is not shared.

        Raises TunewrightError, and goes on with what ran before.
        """
        ...

    def work(self) -> float:
        """Do what is to be done now, and say in how many seconds there will be more."""
        ...


class Server:
    """A REP socket at an address; * for its port finds a free one. Close it, or use it in a `with` block."""

    def __init__(self, address: str, token: str | None = None) -> None:
        """With a token only who knows it is listened to. Raises UserError where that is needed, and for addresses."""
        if token is None and not is_local(address):
            raise UserError(f"{address!r} is not of this machine alone; give both sides a --token, or use 127.0.0.1")
        self._zmq = zmq()
        self._context = self._zmq.Context()
        self._socket: Any = self._context.socket(self._zmq.REP)
        self._socket.linger = 0
        self._socket.maxmsgsize = 2 * LONGEST_BYTES  # who sends more is hung up on, and what is between gets an answer
        if token:
            lock_server(self._socket, token)
        try:
            self._socket.bind(address)
        except self._zmq.ZMQError as error:
            self.close()
            raise UserError(f"{address!r} can't be listened at ({error}); choose another tcp://HOST:PORT") from None

    @property
    def address(self) -> str:
        return self._socket.last_endpoint.rstrip(b"\0").decode()  # type: ignore[no-any-return]

    def serve(self, runs: Runs, tell: Callable[[str], None], until: Callable[[], bool] = lambda: False) -> None:
        """Answer one request after the other; between them, let the nets run. `tell` gets a line for each."""
        while not until():
            if self._socket.poll(1000 * min(0.2, runs.work())):
                self._socket.send(self._answer(runs, tell))

    def _answer(self, runs: Runs, tell: Callable[[str], None]) -> bytes:
        try:
            nets = read_request(b"".join(self._socket.recv_multipart()))
            rates = runs.deploy(nets)
        except TunewrightError as error:
            tell(f"refused: {error}")
            return refusal(error)
        wanted = [net for net in nets if not net.shared]
        told = (f"{net.app_id} {rate:.2f} of {net.target_fps:g}" for net, rate in zip(wanted, rates, strict=True))
        tell(f"{len(nets)} nets, frames/s: {', '.join(told)}")
        return reply(rates)

    def close(self) -> None:
        self._socket.close()
        self._context.term()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
