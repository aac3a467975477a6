"""What can be wrong with the server for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.wandb_server.messages import Request


@dataclass(frozen=True)
class Fault:
    """Requests are held for `delay_s`; then answered with `status`, or cut off, or as if nothing were wrong."""

    delay_s: float = 0.0
    status: int | None = None
    message: str = ""
    cut_request: bool = False
    """Reset the connection before the request has an effect; that of an upload when half its bytes are here."""
    cut_answer: bool = False
    """Do what the request asks, and reset the connection halfway through the answer."""


INTERNAL_ERROR = Fault(status=500, message="An internal error occurred. Please contact support.")
UNAVAILABLE = Fault(status=503, message="no healthy upstream")
UNAUTHORIZED = Fault(status=401, message="user is not logged in")
FORBIDDEN = Fault(status=403, message="permission denied")
RATE_LIMITED = Fault(status=429, message="rate limit exceeded")
"""Too many requests, or more data than the plan allows in a while."""
STORAGE_FULL = Fault(status=507, message="insufficient storage")
"""Of a server that people run themselves."""
QUOTA_EXCEEDED = Fault(status=402, message="storage quota exceeded")
TOO_LARGE = Fault(status=413, message="request entity too large")
CUT_REQUEST = Fault(cut_request=True)
CUT_ANSWER = Fault(cut_answer=True)


def slow(seconds: float) -> Fault:
    return Fault(delay_s=seconds)


@dataclass
class _Switched:
    fault: Fault
    only: tuple[str, ...]
    over: threading.Event = field(default_factory=threading.Event)


class Faults:
    """Those that are switched on."""

    def __init__(self) -> None:
        self._switched: list[_Switched] = []

    @contextmanager
    def switched_on(self, fault: Fault, only: tuple[str, ...]) -> Iterator[None]:
        """For every request, or for those whose kind or operation `only` names."""
        switched = _Switched(fault, only)
        self._switched.append(switched)
        try:
            yield
        finally:
            self._switched.remove(switched)
            switched.over.set()

    def strike(self, request: Request) -> Fault | None:
        """The fault that this request meets, once it has been held as long as that takes."""
        for switched in tuple(self._switched):
            if not switched.only or {request.kind, request.operation} & set(switched.only):
                # Those that are held when the fault is over go on at once.
                switched.over.wait(switched.fault.delay_s)
                return switched.fault
        return None
