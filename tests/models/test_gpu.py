"""Learning on a GPU; skipped where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from models.learner_state import read_learner
from models.training import TrainingSession
from tests.models.test_training import QUICK, quick

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"),
    pytest.mark.usefixtures("shared_ray"),
]


def devices(session: TrainingSession) -> set[str]:
    """Where the network, its target and the optimiser's memory are."""

    def read(learner):
        module, optimiser = learner.module["default_policy"], learner.get_optimizer("default_policy")
        tensors = [*module.unwrapped().parameters(), *optimiser.state_dict()["state"][0].values()]
        return {tensor.device.type for tensor in tensors if tensor.dim()}

    return session._ask_learner(read)


@pytest.mark.parametrize("env_runners", [0, 2])
@pytest.mark.parametrize("trainer", sorted(QUICK))
def test_learns_there_and_goes_on_anywhere(trainer, env_runners, toy_env, tmp_path):
    with TrainingSession(quick(trainer, toy_env, gpus=1, env_runners=env_runners)) as session:
        for _ in range(3):
            session.step()
        assert devices(session) == {"cuda"}
        session.save(tmp_path / "there")
        state, policy = session._ask_learner(read_learner), session.policy()
    for gpus, device in ((0, "cpu"), (1, "cuda")):
        with TrainingSession(quick(trainer, toy_env, gpus=gpus), tmp_path / "there") as session:
            again = session._ask_learner(read_learner)
            assert again.keys() == state.keys() and devices(session) == {device}
            for name, array in again.items():
                np.testing.assert_array_equal(array, state[name])
            assert session.policy().digest == policy.digest
            assert session.step().iteration == 4
