"""The states of this process's random number generators, as arrays."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np

HALF = (1 << 64) - 1


def read_random_state() -> dict[str, np.ndarray]:
    """Of PyTorch on the CPU, NumPy's global generator and Python's own."""
    import torch

    _, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    version, words, python_gauss = random.getstate()
    return {
        "torch": torch.get_rng_state().numpy().copy(),
        "numpy": np.asarray(keys, np.uint32),
        "numpy_position": np.array([position, has_gauss], np.int64),
        "numpy_gauss": np.array(gauss, np.float64),
        "python": np.array([version, *words], np.uint64),
        "python_gauss": np.array(np.nan if python_gauss is None else python_gauss, np.float64),
    }


def write_random_state(state: Mapping[str, np.ndarray]) -> None:
    """Put back what `read_random_state` returned."""
    import torch

    torch.set_rng_state(torch.from_numpy(np.array(state["torch"], np.uint8)))
    position, has_gauss = (int(number) for number in state["numpy_position"])
    np.random.set_state(("MT19937", state["numpy"], position, has_gauss, float(state["numpy_gauss"])))
    version, *words = (int(word) for word in state["python"])
    gauss = float(state["python_gauss"])
    random.setstate((version, tuple(words), None if np.isnan(gauss) else gauss))


def read_generator(generator: np.random.Generator) -> np.ndarray:
    """uint64 [6]: the state of a generator that `np.random.default_rng` made (PCG64, whose numbers have 128 bits)."""
    state = generator.bit_generator.state
    number, increment = state["state"]["state"], state["state"]["inc"]
    words = (number >> 64, number & HALF, increment >> 64, increment & HALF, state["has_uint32"], state["uinteger"])
    return np.array(words, np.uint64)


def write_generator(generator: np.random.Generator, words: np.ndarray) -> None:
    """Put back what `read_generator` returned."""
    high, low, increment_high, increment_low, has_uint32, uinteger = (int(word) for word in words)
    generator.bit_generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": high << 64 | low, "inc": increment_high << 64 | increment_low},
        "has_uint32": has_uint32,
        "uinteger": uinteger,
    }
