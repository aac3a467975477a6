"""How many threads PyTorch computes with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """For the time of the block; the number belongs to the whole process, and what others compute depends on it.

    Small matrices want one: they gain nothing from more threads, and lose milliseconds by waiting for them where all
    cores are busy; sums have one order; and the thread's own time is all that was used.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
