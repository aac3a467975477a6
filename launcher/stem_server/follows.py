"""Who is told how a job gets on."""

from __future__ import annotations

from typing import Protocol

from rllib_envs.stem_sharing.application import Variant


class Follows(Protocol):
    """Who wants to know how a job gets on. All may raise Lost."""

    def tell(self, line: str) -> None: ...

    def writing(self) -> None:
        """A file is about to be written."""

    def done(self, variant: Variant) -> None: ...
