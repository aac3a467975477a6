"""The executor's end: takes nets over ZeroMQ, has them run, and answers with what they reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from rllib_envs.errors import TunewrightError
from rllib_envs.stem_sharing.executor.calls import Answering
from rllib_envs.stem_sharing.executor.messages import line_to, read_request, refusal, reply
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


class Server(Answering):
    """An executor at an address. With a token only who knows it is listened to."""

    def __init__(self, address: str, token: str | None = None) -> None:
        super().__init__(line_to(address, token))

    def serve(self, runs: Runs, tell: Callable[[str], None], until: Callable[[], bool] = lambda: False) -> None:
        """Answer one request after the other; between them, let the nets run. `tell` gets a line for each."""
        while not until():
            if self.asked(min(0.2, runs.work())):
                self.answer(_answer(self.question(), runs, tell))


def _answer(question: bytes, runs: Runs, tell: Callable[[str], None]) -> bytes:
    try:
        nets = read_request(question)
        rates = runs.deploy(nets)
    except TunewrightError as error:
        tell(f"refused: {error}")
        return refusal(error)
    wanted = [net for net in nets if not net.shared]
    told = (f"{net.app_id} {rate:.2f} of {net.target_fps:g}" for net, rate in zip(wanted, rates, strict=True))
    tell(f"{len(nets)} nets, frames/s: {', '.join(told)}")
    return reply(rates)
