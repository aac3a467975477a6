"""Both kinds of pool, built the way the runner builds them, and closed."""

from __future__ import annotations

import pytest

from models.runners.env_factory import env_factory
from models.runners.env_pool import SerialPool
from models.runners.process_pool import ProcessPool

KINDS = {"serial": SerialPool, "processes": ProcessPool}


@pytest.fixture
def make_pool():
    """`make_pool(kind, env, config, count)`."""
    pools = []

    def make(kind, env, config=None, count=3):
        pools.append(KINDS[kind](env_factory(env, config or {}, worker_index=0, num_workers=0), count))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()
