from __future__ import annotations

import pytest
import torch
from ray.rllib.utils.debug import deterministic

from models.runners.seeding import seed_without_compiler

pytestmark = pytest.mark.skipif(torch.version.cuda is not None, reason="for GPUs RLlib's own seeding stays")


def test_rllib_seeds_without_asking_for_deterministic_algorithms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deterministic, "set_torch_seed", deterministic.set_torch_seed)  # put back afterwards
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)
    try:
        seed_without_compiler()
        drawn = []
        for _ in range(2):
            deterministic.update_global_seed_if_necessary("torch", 7)
            drawn.append(torch.rand(3).tolist())
        assert drawn[0] == drawn[1]
        assert torch.rand(3).tolist() != drawn[0]
        deterministic.update_global_seed_if_necessary("torch", None)
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(before)
