"""A 3x3 convolution of 64 by 64 channels on 28x28 pixels, channels last, against torch. Takes about a minute.

python bench/loop_nest_conv.py

Both get an input padded beforehand and one thread, and take turns in this process. Torch runs as a user calls it, with
channels-last tensors and without gradients. Rounds are short, so that both see the same clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
import torch
from helpers.schedule_beam import beam_search
from report import Bar, report

from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.backend import Loop, compile_kernel
from rllib_envs.loop_nest.backend.memory import GuardedTensor
from rllib_envs.loop_nest.cost_model_machine import this_machine
from rllib_envs.loop_nest.kinds import tensor_shape
from rllib_envs.loop_nest.state import NestState
from rllib_envs.problem import Benchmark

SIZES = {"o": 64, "c": 64, "y": 28, "x": 28, "p": 3, "q": 3}
CONVOLUTION = Benchmark("conv2d_28", "loop_nest", {"kind": "conv2d", "sizes": SIZES})
WIDE = (("y", 1), ("x", 7), ("p", 1), ("q", 1), ("c", 4), ("c", 1), ("x", 1), ("o", 1))
"""For 32 registers of 16 lanes: a tile of seven pixels by all output channels, 28 accumulators."""
NARROW = (("o", 16), ("x", 6), ("y", 1), ("p", 1), ("q", 1), ("c", 4), ("c", 1), ("x", 1), ("o", 1))
"""For 16 registers of 8 lanes: a tile of six pixels by 16 channels, 12 accumulators."""
WIDTH, LEVELS, SCREENED = 4, 4, 60
ROUNDS, CALLS = 51, 5


def best_schedule(problem: LoopNest) -> tuple[str, NestState]:
    """The better of what beam search finds and of the schedule by hand, and which it is."""
    start = problem.initial(CONVOLUTION)
    by_hand = start.with_loops([Loop(*loop) for loop in (WIDE if this_machine().lanes == 16 else NARROW)], 0)
    found = beam_search(problem, start, width=WIDTH, levels=LEVELS, screened=SCREENED)
    by_hand_evaluation = problem.evaluate(by_hand)
    for name, gflops in (("beam search", found.gflops), ("by hand", by_hand_evaluation.value)):
        print(f"{name}: {gflops / by_hand_evaluation.scale:.3f} of peak")
    return ("beam search", found.state) if found.gflops > by_hand_evaluation.value else ("by hand", by_hand)


def seconds(run: Callable[[], object]) -> float:
    """Of one call."""
    began = time.perf_counter()
    for _ in range(CALLS):
        run()
    return (time.perf_counter() - began) / CALLS


def main() -> None:
    problem = LoopNest("full")
    name, state = best_schedule(problem)
    problem.close()

    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    image = rng.standard_normal(tensor_shape("y+p x+q c", SIZES), dtype=np.float32)
    weights = rng.standard_normal(tensor_shape("p q c o", SIZES), dtype=np.float32)
    kernel = compile_kernel(state.statement, state.loops)
    tensors = [GuardedTensor(elements) for elements in state.statement.elements]  # aligned, like those of torch
    for tensor, values in zip(tensors[1:], (image, weights), strict=True):
        tensor.values[:] = values.ravel()
    addresses = [tensor.address for tensor in tensors]

    channels_last = torch.channels_last
    torch_image = torch.from_numpy(image).permute(2, 0, 1)[None].contiguous(memory_format=channels_last)
    torch_weights = torch.from_numpy(weights).permute(3, 2, 0, 1).contiguous(memory_format=channels_last)

    def ours() -> None:
        kernel(*addresses)

    def theirs() -> torch.Tensor:
        return torch.nn.functional.conv2d(torch_image, torch_weights)

    with torch.inference_mode():
        expected = theirs()[0].permute(1, 2, 0).numpy()
        ours()
        np.testing.assert_allclose(tensors[0].values.reshape(expected.shape), expected, rtol=1e-3, atol=1e-3)
        ratios = []
        for _ in range(ROUNDS):
            mine = seconds(ours)
            ratios.append(seconds(theirs) / mine)
    report("loop_nest_conv", {f"against torch, schedule of {name}": Bar(median(ratios), 1.1, "times as fast")})


if __name__ == "__main__":
    main()
