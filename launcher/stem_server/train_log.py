"""Follows a training so that the next worker can go on where this one was cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from launcher.stem.training import Log
from launcher.stem_server.follows import Follows
from rllib_envs.stem_sharing.application import Variant


class TrainLog(Log):
    """Hands on what it learns; `before` is what an earlier worker has handed on."""

    def __init__(self, before: Mapping[int, Mapping[str, Any]], follows: Follows) -> None:
        self._before = tuple(Variant(**what) for _, what in sorted(before.items()))
        self._follows = follows

    def tell(self, line: str) -> None:
        self._follows.tell(line)

    def before(self) -> tuple[Variant, ...]:
        return self._before

    def writing(self) -> None:
        self._follows.writing()

    def done(self, variant: Variant) -> None:
        self._follows.done(variant)
