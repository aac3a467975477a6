"""What each layer of a network takes for a frame, as `model_desc` of the scheduler has it."""

from __future__ import annotations

import time

import torch
from torch import nn

from rllib_envs.network_scaling.timing import time_row
from rllib_envs.stem_sharing.layered.registry import tensor_names
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.torch_threads import torch_threads

DIGITS = 4


def measure_layers(network: nn.Sequential, size: int, what: str) -> BaseNetwork:
    """For one frame of `size` x `size` pixels: this thread's time, each layer in its place, and the slowest has 1.

    MeasuringError where the machine is too busy; `what` is the network's name in its message.
    """
    frame = torch.rand(1, 3, size, size).mul(2).sub(1).contiguous(memory_format=torch.channels_last)
    with torch_threads(1), torch.inference_mode():
        seconds = time_row(network, frame, time.thread_time, what).seconds
    slowest = max(seconds)
    relative = tuple(round(one / slowest, DIGITS) for one in seconds)
    return BaseNetwork(relative, tensor_names(network), 3, size, size)
