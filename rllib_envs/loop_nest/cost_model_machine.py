"""What the cost model knows of a processor: how much each part of a core does in a cycle."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rllib_envs.loop_nest.backend.processor import AVX512, CPU_INFO, processor_flags

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
DEFAULT_L1_BYTES = 32 << 10
DEFAULT_L2_BYTES = 1 << 20
"""Where the system does not tell: the smallest caches of the servers that have AVX-512, Skylake's and Zen 4's."""
ZEN_4_FAMILY = "25"
"""AMD family 19h: of its processors, Zen 4 alone has AVX-512, in units half as wide."""


@dataclass(frozen=True)
class Machine:
    """One core. Instruction costs: uops.info and the vendors' optimisation guides; the others as noted.

    The defaults are an Intel server with two 512-bit multiply-add units (Skylake to Emerald Rapids).
    """

    lanes: int = 16
    """float32 lanes of a vector."""
    registers: int = 32
    """Vector registers."""
    multiply_adds: float = 2.0
    """Vector arithmetic instructions a cycle."""
    loads: float = 2.0
    """Vector loads a cycle that hit L1, each from one line."""
    stores: float = 1.0
    """Vector stores a cycle, each to one line."""
    store_as_loads: float = 0.0
    """Loads whose place a store takes, where loads and stores share ports."""
    second_line: float = 0.6
    """What it adds to the cost of a load or store to touch two lines (measured, Zen 4)."""
    latency: float = 4.0
    """Cycles from a multiply-add to the next one on the same register."""
    window: float = 128.0
    """Vector operations under way at once: a reorder buffer holds some 300 to 500 instructions, and an
    operation with its loads and its share of the loop takes about three."""
    gather: float = 12.0
    """Cycles to load a vector lane by lane."""
    scatter: float = 18.0
    """Cycles to store a vector lane by lane."""
    lane_sum: float = 4.0
    """Cycles to add up the lanes of a vector and store the sum, where many follow one another (measured)."""
    partial_store: float = 28.0
    """Cycles that a load waits for a masked store to the same line, which is not forwarded (measured, Zen 4)."""
    loop: float = 0.13
    """Cycles of an iteration's bookkeeping that vector instructions don't hide (measured, Zen 4)."""
    l2_line: float = 2.0
    """Cycles to bring a line of 64 bytes from L2 to L1."""
    write_back: float = 0.0
    """What writing a line of C back from L1 to L2 costs, in lines brought."""
    l3_line: float = 8.0
    """Cycles to bring a line from beyond L2 to L2."""
    l1_bytes: int = DEFAULT_L1_BYTES
    l2_bytes: int = DEFAULT_L2_BYTES
    overlap: float = 0.0
    """How well arithmetic and caches work at the same time: the exponent of the norm that joins their cycles. 0 for
    perfectly: the slower of them decides."""
    l1_ways: int = 0
    """Lines of a set of L1; 0 leaves conflicts within a set out of the prediction."""

    @property
    def flop_per_cycle(self) -> float:
        """Of multiply-adds alone, which is the peak."""
        return 2 * self.lanes * self.multiply_adds


@cache
def this_machine() -> Machine:
    """The processor at hand, from what Linux tells of it; where it tells nothing, one with AVX2 or NEON."""
    l1_bytes = cache_bytes(1, DEFAULT_L1_BYTES)
    l2_bytes = cache_bytes(2, DEFAULT_L2_BYTES)
    if platform.machine() in ("aarch64", "arm64"):
        return Machine(lanes=4, gather=4.0, scatter=4.0, l1_bytes=l1_bytes, l2_bytes=l2_bytes)
    if not processor_flags() >= AVX512:
        return avx2_machine(l1_bytes, l2_bytes)
    if cpu_field("vendor_id") == "AuthenticAMD" and cpu_field("cpu family") == ZEN_4_FAMILY:
        return Machine(
            multiply_adds=1.0,
            loads=1.0,
            stores=0.5,
            gather=18.0,
            scatter=25.0,
            l3_line=1.5,  # measured: its prefetcher hides the rest
            l1_bytes=l1_bytes,
            l2_bytes=l2_bytes,
        )
    return Machine(l1_bytes=l1_bytes, l2_bytes=l2_bytes)


def avx2_machine(l1_bytes: int, l2_bytes: int) -> Machine:
    """A core with two 256-bit multiply-add units. What instructions cost is measured on Zen 3."""
    return Machine(
        lanes=8,
        registers=15,  # one of the sixteen is the backend's scratch register
        store_as_loads=1.0,
        gather=11.0,
        scatter=7.0,
        write_back=0.65,
        overlap=3.0,
        partial_store=2.5,  # a tail is stored in pieces, without a mask
        l1_bytes=l1_bytes,
        l2_bytes=l2_bytes,
        l1_ways=8,
    )


def cpu_field(name: str) -> str:
    """A field of the first processor in /proc/cpuinfo; empty where there is none."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), "")


def cache_bytes(level: int, default: int, folder: Path = CACHES) -> int:
    """Size of the first core's data cache of a level, from the files that Linux keeps in `folder`."""
    for index in sorted(folder.glob("index*")):
        try:
            found, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
            if int(found) == level and kind != "Instruction":
                return int(size.removesuffix("K")) << 10  # Linux writes all sizes in KiB
        except (OSError, ValueError):
            continue
    return default
