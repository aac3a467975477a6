"""PyTorch on the calling thread alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def one_thread() -> Iterator[None]:
    """For the time of the block. Small matrices gain nothing from more threads, and lose milliseconds by waiting for
    them where all cores are busy; sums have one order; and the thread's own time is all that was used."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
