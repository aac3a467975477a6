"""One Ray for all tests of training: starting one takes longer than most of them."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_ray():
    from models.local_ray import ray_running

    with ray_running(workers=1, gpus=0):
        yield


@pytest.fixture(autouse=True)
def no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLLIB_NUM_GPUS", "0")


@pytest.fixture
def toy_env(toy_suite: Path) -> dict[str, str]:
    """What to train on, as plain data."""
    return {"problem": "toy", "suite": str(toy_suite)}
