"""A checkpoint as training writes it, without training."""

from __future__ import annotations

import numpy as np

from models.checkpoint import Checkpoint, Counters
from models.random_state import read_random_state


def example_checkpoint(iteration: int, score: float = 0.0, rows: int = 100) -> Checkpoint:
    """Its arrays hold the iteration, so that a mixture of two would show; `rows` is the size of its memory."""
    arrays = {"module/weight": (64, 64), "optimiser/0/exp_avg": (64, 64), "optimiser/0/step": ()}
    return Checkpoint(
        identity={"trainer": "dqn"},
        settings={"seed": 0},
        counters=Counters(iteration, 100 * iteration, 1.5, None),
        score=score,
        learner={name: np.full(shape, iteration, np.float32) for name, shape in arrays.items()},
        random=read_random_state(),
        algorithm={"updates_due": 0.5, "replay/obs": np.full((rows, 8), iteration, np.int32)},
    )
