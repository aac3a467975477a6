"""A Redis for a module's tests."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from launcher.stem_server.own_redis import OwnRedis
from launcher.stem_server.store import Store


@pytest.fixture(scope="module")
def redis() -> Iterator[OwnRedis]:
    with tempfile.TemporaryDirectory() as folder, OwnRedis(Path(folder)) as own:
        own.start()
        yield own


@pytest.fixture
def store(redis: OwnRedis, request: pytest.FixtureRequest) -> Store:
    """With keys of its own."""
    return Store(redis.url, f"{request.node.name}:")
