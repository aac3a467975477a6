"""What this processor can execute."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from rllib_envs.errors import TunewrightError

CPU_INFO = Path("/proc/cpuinfo")
AVX512 = frozenset({"avx512f", "avx512vl"})
"""512-bit vectors with masks, and the same encodings for 256 and 128 bits."""
AVX2 = frozenset({"avx2", "fma"})
"""256-bit vectors with gathers, and multiply-add."""
TIME_STAMPS = frozenset({"rdtscp"})
"""A time-stamp counter that waits for the instructions before it."""


class UnsupportedProcessor(TunewrightError):
    """There is no way to generate fast code for this processor."""

    exit_code = 3


@cache
def processor_flags() -> frozenset[str]:
    """The feature flags that Linux lists for the first x86 processor; empty elsewhere."""
    if not CPU_INFO.exists():
        return frozenset()
    for line in CPU_INFO.read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def has_avx512() -> bool:
    """Whether machine code for AVX-512 runs here."""
    return processor_flags() >= AVX512


def has_avx2() -> bool:
    """Whether machine code for AVX2 with multiply-add runs here."""
    return processor_flags() >= AVX2


def has_time_stamps() -> bool:
    """Whether the x86 time-stamp counter can be used for timing."""
    return processor_flags() >= TIME_STAMPS
