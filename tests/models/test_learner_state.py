"""Which arrays a checkpoint of a learner must have."""

from __future__ import annotations

import numpy as np
import pytest

from models.learner_state import check_learner
from rllib_envs.errors import UserError

FIELDS = ("step", "exp_avg", "exp_avg_sq")
SHAPES = {"module/a": (2,), "module/b": (2,)} | {
    f"optimiser/{index}/{field}": () if field == "step" else (2,) for index in (0, 1) for field in FIELDS
}


def arrays(*left_out: str) -> dict[str, np.ndarray]:
    return {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items() if name not in left_out}


def test_what_was_never_updated_has_no_memory():
    check_learner(arrays(), SHAPES)
    check_learner(arrays(*(f"optimiser/1/{field}" for field in FIELDS)), SHAPES)
    check_learner(arrays(*(f"optimiser/{index}/{field}" for index in (0, 1) for field in FIELDS)), SHAPES)


@pytest.mark.parametrize("missing", ["module/b", "optimiser/1/exp_avg", "optimiser/0/step"])
def test_anything_else_that_is_missing_is_refused(missing):
    with pytest.raises(UserError, match=f"missing {missing}"):
        check_learner(arrays(missing), SHAPES)
