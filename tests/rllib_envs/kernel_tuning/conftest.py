"""One process with TVM for all tests of this folder that don't harm it: starting one takes seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rllib_envs.kernel_tuning.measure import KernelMeasurer


@pytest.fixture(scope="session")
def measurer() -> Iterator[KernelMeasurer]:
    with KernelMeasurer() as shared:
        yield shared
