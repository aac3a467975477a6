"""Random kernels, with the extents that layers of common networks have.

Channels and rows are those of networks from MobileNet (Howard et al. 2017) to transformers (Vaswani et al. 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.problem import Benchmark

MAX_COUNT = 10_000
FLOPS = (1e6, 6e7)
"""Of a kernel: fewer are over before anything matters, and more make a trial slow."""
ROWS = (16, 32, 64, 96, 128, 196, 256, 384, 512)
FEATURES = (32, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
HEADS, HEAD = (4, 8, 12, 16), (32, 64, 96, 128)
CHANNELS = (16, 24, 32, 48, 64, 96, 128, 144, 192, 256, 384, 512)
PIXELS = (7, 14, 28, 56)
EPILOGUES = ((), ("relu",), ("bias",), ("bias", "relu"))

Draw = Callable[[np.random.Generator], dict[str, Any]]


def _dense(rng: np.random.Generator) -> dict[str, Any]:
    return {"m": _one(rng, ROWS), "n": _one(rng, FEATURES), "k": _one(rng, FEATURES)}


def _batch_matmul(rng: np.random.Generator) -> dict[str, Any]:
    rows, inside = _one(rng, ROWS), (_one(rng, ROWS), _one(rng, HEAD))
    columns, inner = inside if rng.random() < 0.5 else inside[::-1]  # attention's second product, or its first
    return {"batch": _one(rng, HEADS), "m": rows, "n": columns, "k": inner}


def _conv2d(rng: np.random.Generator) -> dict[str, Any]:
    return {**_image(rng), "in_channels": _one(rng, CHANNELS), "out_channels": _one(rng, CHANNELS)}


def _depthwise(rng: np.random.Generator) -> dict[str, Any]:
    return {**_image(rng), "channels": _one(rng, CHANNELS), "kernel": 3, "padding": 1}


def _image(rng: np.random.Generator) -> dict[str, Any]:
    side, kernel = _one(rng, PIXELS), _one(rng, (1, 3))
    return {
        "batch": 1,
        "height": side,
        "width": side,
        "kernel": kernel,
        "padding": kernel // 2,
        "stride": _one(rng, (1, 1, 2)),
    }


def _one(rng: np.random.Generator, choices: tuple[int, ...]) -> int:
    return int(rng.choice(choices))


DRAWS: Mapping[str, Draw] = {
    "dense": _dense,
    "batch_matmul": _batch_matmul,
    "conv2d": _conv2d,
    "depthwise_conv2d": _depthwise,
}
"""By operator: sizes."""


def random_task(operator: str, rng: np.random.Generator) -> KernelTask:
    """A kernel of this operator, with something or nothing fused behind it."""
    while True:
        epilogue = list(EPILOGUES[int(rng.integers(len(EPILOGUES)))])
        task = KernelTask.from_spec({"operator": operator, "sizes": DRAWS[operator](rng), "epilogue": epilogue})
        if FLOPS[0] <= task.flops <= FLOPS[1]:
            return task


def random_suite(count: int, seed: int) -> list[Benchmark]:
    """`count` kernels of each operator. Each depends on the seed, its operator and its number alone."""
    if not 1 <= count <= MAX_COUNT:
        raise UserError(f"{count} kernels of each operator are not possible; ask for 1 to {MAX_COUNT:,}")
    return [
        random_task(operator, np.random.default_rng([seed, place, number])).to_benchmark(f"{operator}_{number}")
        for place, operator in enumerate(DRAWS)
        for number in range(count)
    ]
