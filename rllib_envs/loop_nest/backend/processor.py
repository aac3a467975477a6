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


class UnsupportedProcessor(TunewrightError):
    """There is no way to generate fast code for this processor."""

    exit_code = 3


@cache
def processor_flags() -> frozenset[str]:
    """The feature flags that the Linux kernel lists for the first processor; empty without such a list."""
    if not CPU_INFO.exists():
        return frozenset()
    for line in CPU_INFO.read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()


def has_avx512() -> bool:
    """Whether the machine code of `emit_x86` runs here."""
    return processor_flags() >= AVX512


def require_vectors() -> None:
    """Raise UnsupportedProcessor unless this is Linux on an x86-64 processor with AVX-512 or AVX2."""
    if not has_avx512() and not processor_flags() >= AVX2:
        raise UnsupportedProcessor(
            f"the loop-nest backend needs Linux and an x86-64 processor with {' and '.join(sorted(AVX512))}, or with "
            f"{' and '.join(sorted(AVX2))}; this one lacks {', '.join(sorted((AVX512 | AVX2) - processor_flags()))}"
        )
