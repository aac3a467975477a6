"""The scheduler's end: hands nets to an executor over ZeroMQ, and waits for what it reaches."""

from __future__ import annotations

from collections.abc import Sequence

from rllib_envs.stem_sharing.executor.calls import CONNECT_S, Gone, ask
from rllib_envs.stem_sharing.executor.messages import ExecutorGone, line_to, read_reply, request
from rllib_envs.stem_sharing.nets import Net

REPLY_S = 120.0
"""Until there has to be an answer: models are loaded, and rates measured for some seconds."""


class ExecutorClient:
    """An `Executor` at an address such as tcp://127.0.0.1:5555."""

    def __init__(
        self, address: str, token: str | None = None, connect_s: float = CONNECT_S, reply_s: float = REPLY_S
    ) -> None:
        self._line, self._connect_s, self._reply_s = line_to(address, token), connect_s, reply_s

    def deploy(self, deployed: Sequence[Net]) -> list[float]:
        """Raises ExecutorGone when nobody is there, goes away or doesn't answer in time, and Refused."""
        try:
            answer = ask(self._line, request(deployed), min(self._connect_s, self._reply_s), self._reply_s)
        except Gone as error:
            raise ExecutorGone(
                f"executor {self._line.address}: {error}; start it (stem_sharing.py executor), or correct --address"
            ) from None
        return read_reply(answer, sum(not net.shared for net in deployed))
