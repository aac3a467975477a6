"""Synthetic landscapes: made-up speeds of tiled loop nests, for tests and for studies of tuners over many seeds.

No kernel runs here. A formula in the manner of a roofline with caches says how fast a schedule would be: vectors, a
register tile that hides the latency of multiply-adds and spills when it is too large, two caches, unrolling, and a
scatter that differs from gene to gene and from task to task. The shape is that of MetaSchedule's space for processors:
each spatial loop is split into four, each reduction loop into two, in the order SSRSRS. That a tuner does well here
says how it searches and learns; how fast it makes real kernels, only recorded or measured ones say.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rllib_envs.kernel_tuning.factorizations import factorizations
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, Gene, GeneSpace, LocationKnob, TileKnob

PEAK = 128.0
"""GFLOPS of one core with AVX-512."""
LANES, REGISTERS, LATENCY = 16, 28, 8
"""Floats in a vector, vectors for the register tile, and multiply-adds that have to be under way at once."""
L1_FLOATS, L2_FLOATS = 8192, 262_144
L2_RATE, MEMORY_RATE = 16.0, 3.0
"""Thousand million floats a second."""
LARGEST_INNERMOST = 64
"""MetaSchedule's limit on the innermost factor."""
UNROLL = (0.0, 16.0, 64.0, 512.0)
DEPTHS = (-2, -1, 0, 1, 2, 3)
CODE_LIMIT = 4096
"""A body of more multiply-adds is not built in time."""
SCATTER = 0.12
"""Standard deviation of what the formula leaves out, in the logarithm."""


@dataclass(frozen=True)
class SyntheticTask:
    """One made-up kernel: its loops, and which of them each operand is indexed by."""

    name: str
    spatial: Mapping[str, int]
    """Extents of the loops that the result has; the last one is vectorised."""
    reduction: Mapping[str, int]
    operands: tuple[str, ...]
    """The loops of each input, as letters."""

    @cached_property
    def space(self) -> GeneSpace:
        """Tiles of every loop that can be split, unrolling, and where the result is written back."""
        tiles = [
            TileKnob(loop, factorizations(extent, 4, LARGEST_INNERMOST))
            for loop, extent in self.spatial.items()
            if extent > 1
        ]
        tiles += [
            TileKnob(loop, factorizations(extent, 2, LARGEST_INNERMOST))
            for loop, extent in self.reduction.items()
            if extent > 1
        ]
        return GeneSpace((*tiles, ChoiceKnob("unroll", UNROLL), LocationKnob("write_back", DEPTHS)))

    def scores(self, genes: Sequence[Gene]) -> list[float]:
        """See `score`."""
        return [self.score(gene) for gene in genes]

    def score(self, gene: Gene) -> float:
        """GFLOPS, or 0 where it would not be built."""
        tiles, unroll, depth = self._choices(gene)
        spatial = [tiles.get(loop, (1, 1, 1, 1)) for loop in self.spatial]
        reduction = [tiles.get(loop, (1, 1)) for loop in self.reduction]
        vector = spatial[-1][3]
        rows = math.prod(factors[3] for factors in spatial[:-1])
        vectors = rows * -(-vector // LANES)
        inner_reduction = math.prod(factors[1] for factors in reduction)
        if rows * vector * (inner_reduction if unroll else 1) > CODE_LIMIT * LANES:
            return 0.0
        compute: float = PEAK * (vector / (-(-vector // LANES) * LANES)) ** 0.7 * min(1.0, vectors / LATENCY) ** 0.7
        compute *= min(1.0, (REGISTERS / vectors) ** 1.5)
        body = vectors * inner_reduction
        compute *= 1.0 if unroll >= body else 0.55 + 0.4 * min(1.0, max(unroll, vectors) / body)
        compute *= 0.8 if unroll >= 512 and body < 64 else 1.0  # the instruction cache
        compute /= 1 + 4 / max(inner_reduction, 1) * 0.3
        speed = 1 / sum(1 / rate for rate in (compute, *self._cache_rates(tiles)))
        ideal = 1 if math.prod(factors[1] for factors in spatial) > 1 else 0
        speed *= 0.72 if depth == -2 else 0.92 ** abs(depth - ideal)
        return speed * math.exp(SCATTER * self._scatter(gene))

    def _choices(self, gene: Gene) -> tuple[dict[str, tuple[int, ...]], float, int]:
        knobs = self.space.knobs
        tiles = {
            knob.name: knob.factors[choice]
            for knob, choice in zip(knobs, gene, strict=True)
            if isinstance(knob, TileKnob)
        }
        return tiles, UNROLL[gene[-2]], DEPTHS[gene[-1]]

    def _cache_rates(self, tiles: Mapping[str, tuple[int, ...]]) -> Iterable[float]:
        """GFLOPS that the second cache and memory allow: the traffic of blocks that fit in the cache before them."""
        for outer, inner, capacity, rate in ((2, 1, L1_FLOATS, L2_RATE), (3, 2, L2_FLOATS, MEMORY_RATE)):
            size = {
                loop: math.prod(factors[-(inner if loop in self.reduction else outer) :])
                for loop, factors in tiles.items()
            }
            operands = [math.prod(size.get(loop, 1) for loop in loops) for loops in (*self.operands, *self._result)]
            work, moved = 2 * math.prod(size.values()), sum(operands)
            overflow = max(1.0, moved / capacity)
            yield rate * work / moved / overflow

    @property
    def _result(self) -> tuple[str, ...]:
        return ("".join(self.spatial),)

    def _scatter(self, gene: Gene) -> float:
        """About normal with deviation 1, the same for the same gene of the same task."""
        total = sum(zlib.crc32(f"{self.name}/{gene}/{part}".encode()) for part in range(4)) / 2**32
        return (total - 2) * math.sqrt(3)


def dense(rows: int, columns: int, inner: int) -> SyntheticTask:
    """A matrix product."""
    loops = {"i": rows, "j": columns}
    return SyntheticTask(f"synthetic_dense_{rows}x{columns}x{inner}", loops, {"k": inner}, ("ik", "kj"))


def conv2d(channels: int, size: int, in_channels: int, kernel: int) -> SyntheticTask:
    """A convolution whose output has `size` rows and columns; its inputs' halos are left out."""
    name = f"synthetic_conv2d_{channels}x{size}x{in_channels}_{kernel}x{kernel}"
    loops = {"y": size, "x": size, "c": channels}
    return SyntheticTask(name, loops, {"d": in_channels, "r": kernel, "s": kernel}, ("yxd", "drsc"))


def depthwise(channels: int, size: int, kernel: int) -> SyntheticTask:
    """A convolution of each channel by itself."""
    name = f"synthetic_depthwise_{channels}x{size}_{kernel}x{kernel}"
    return SyntheticTask(name, {"y": size, "x": size, "c": channels}, {"r": kernel, "s": kernel}, ("yxc", "rsc"))


def batch_matmul(batch: int, rows: int, columns: int, inner: int) -> SyntheticTask:
    """Several matrix products of one size."""
    name = f"synthetic_batch_matmul_{batch}x{rows}x{columns}x{inner}"
    return SyntheticTask(name, {"b": batch, "i": rows, "j": columns}, {"k": inner}, ("bik", "bkj"))


TASKS: tuple[SyntheticTask, ...] = (
    dense(128, 128, 128),
    dense(512, 1024, 256),
    conv2d(64, 56, 64, 3),
    conv2d(128, 28, 128, 3),
    conv2d(96, 14, 384, 1),
    depthwise(192, 28, 3),
    batch_matmul(8, 64, 64, 128),
    batch_matmul(12, 128, 64, 64),
)
"""Two and more of each family, with the extents of common networks."""
