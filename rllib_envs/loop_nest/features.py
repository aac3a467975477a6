"""What a network sees of a loop nest: one row a loop, sizes as logarithms, everything about one in magnitude.

Three things were missing from LoopTune's own loops tensor and are here: which variable a loop runs over (without it k
and n look alike), sizes on a scale that a network can use, and strides that are those of the tensors.
"""

from __future__ import annotations

from functools import lru_cache
from math import log2
from typing import NamedTuple

import numpy as np

from rllib_envs.loop_nest.actions import MAX_LOOPS
from rllib_envs.loop_nest.backend.loops import Schedule
from rllib_envs.loop_nest.state import NestState
from rllib_envs.loop_nest.statement import Statement

MAX_VARS = 8
STRIDE_BINS = 32
LOG_SCALE = 10.0
"""Logarithms of sizes, strides and footprints are divided by this: 1024 elements become 1.0."""

STATEMENTS_KEPT = 4096
"""More than the benchmarks of a suite, at some 5 kB each."""
SCHEDULES_KEPT = 4096
"""Whose rows are kept, at some 2 kB each: every other action only moves the cursor."""
NUMBERS_KEPT = 1 << 16
"""Sizes, strides and footprints whose logarithms are kept, at some 100 bytes each."""

LOOP_FEATURES = (
    "cursor",
    "iterations",
    "tail",
    "step",
    "depth",
    "innermost_of_var",
    "unroll",
    "vectorize",
    *(f"var_{index}" for index in range(MAX_VARS)),
    *(f"{tensor}_{what}" for tensor in "CAB" for what in ("used", "unit_stride", "stride", "footprint")),
)
CURSOR = LOOP_FEATURES.index("cursor")
GLOBAL_FEATURES = ("flops", "loops", "C_elements", "A_elements", "B_elements", "reduces", "copies", "epilogue")


@lru_cache(maxsize=NUMBERS_KEPT)
def _log(value: int) -> float:
    return log2(value + 1) / LOG_SCALE


def _accesses(statement: Statement) -> list[dict[str, int]]:
    """Strides by variable of C, A and B; empty for a B that is not there. An epilogue's tensors matter little."""
    accesses = [dict(statement.output), *(dict(access) for access in statement.inputs)]
    return accesses + [{}] * (3 - len(accesses))


class _Layout(NamedTuple):
    """What the rows of all schedules of a statement have in common."""

    one_hot: dict[str, list[float]]
    """By variable: which one it is."""
    strides: dict[str, list[tuple[bool, bool, int, tuple[str, ...]]]]
    """By variable, for each tensor: whether it has the variable, whether with stride 1, the stride (0 without), and
    all variables that the tensor has."""


@lru_cache(maxsize=STATEMENTS_KEPT)
def _layout(statement: Statement) -> _Layout:
    accesses, names = _accesses(statement), [var for var, _ in statement.sizes]
    strides: dict[str, list[tuple[bool, bool, int, tuple[str, ...]]]] = {var: [] for var in names}
    for var in names:
        for access in accesses:
            stride = access.get(var, 0)
            strides[var].append((stride > 0, stride == 1, stride, tuple(access)))
    one_hot = {var: [float(place == index) for place in range(MAX_VARS)] for index, var in enumerate(names)}
    return _Layout(one_hot, strides)


def loop_features(state: NestState) -> np.ndarray:
    """float32 [MAX_LOOPS, len(LOOP_FEATURES)]; rows beyond the last loop are zero.

    A footprint is the number of elements of a tensor that one iteration of the loop touches: it tells what fits in
    registers and in each cache from that loop inwards.
    """
    rows = _rows(state.statement, state.loops).copy()
    rows[state.cursor, CURSOR] = 1.0
    return rows


@lru_cache(maxsize=SCHEDULES_KEPT)
def _rows(statement: Statement, loops: Schedule) -> np.ndarray:
    """With the cursor nowhere."""
    one_hot, strides = _layout(statement)
    extents = dict(statement.sizes)
    values: list[float] = []
    for depth, (var, step, annotation) in enumerate(loops):
        size, tail = divmod(extents[var], step)
        extents[var] = step
        values += (
            0.0,
            _log(size),
            _log(tail),
            _log(step),
            depth / MAX_LOOPS,
            step == 1,
            annotation == "unroll",
            annotation == "vectorize",
        )
        values += one_hot[var]
        for used, unit, stride, names in strides[var]:
            footprint = 1
            for name in names:
                footprint *= extents[name]
            values += (used, unit, _log(stride * step), _log(footprint) if names else 0.0)
    features = np.zeros(MAX_LOOPS * len(LOOP_FEATURES), np.float32)
    features[: len(values)] = values
    return features.reshape(MAX_LOOPS, len(LOOP_FEATURES))


def loop_mask(state: NestState) -> np.ndarray:
    """int8 [MAX_LOOPS]; 1 where there is a loop."""
    mask: np.ndarray = _MASKS[len(state.loops)].copy()
    return mask


_MASKS = np.tri(MAX_LOOPS + 1, MAX_LOOPS, -1, dtype=np.int8)
"""By the number of loops."""


def global_features(state: NestState) -> np.ndarray:
    """float32 [len(GLOBAL_FEATURES)]."""
    return _globals(state.statement, len(state.loops)).copy()


@lru_cache(maxsize=STATEMENTS_KEPT)
def _globals(statement: Statement, loops: int) -> np.ndarray:
    elements = [*statement.elements, 0][:3]
    return np.array(
        [
            _log(statement.flops) / 2,
            loops / MAX_LOOPS,
            *(_log(count) for count in elements),
            statement.reduce != "none",
            statement.combine == "copy",
            _log(len(statement.epilogue)),
        ],
        np.float32,
    )


def stride_histograms(state: NestState) -> np.ndarray:
    """float32 [MAX_LOOPS, STRIDE_BINS]: how far each tensor moves when a loop advances.

    One iteration of loop (var, step) moves a tensor by stride·step elements; bin b counts the tensors that move by
    (2^(b-1), 2^b]. A row sums to 1, or to 0 where no tensor moves.
    """
    histograms = np.zeros((MAX_LOOPS, STRIDE_BINS), np.float32)
    for row, (var, step, _) in enumerate(state.loops):
        for access in _accesses(state.statement):
            moved = access.get(var, 0) * step
            if moved:
                histograms[row, min((moved - 1).bit_length(), STRIDE_BINS - 1)] += 1
    totals = histograms.sum(axis=1, keepdims=True)
    np.divide(histograms, totals, out=histograms, where=totals > 0)
    return histograms


def stride_tensor(state: NestState) -> np.ndarray:
    """float32 [STRIDE_BINS]: the loops' histograms, each weighted by how often its loop advances; sums to 1.

    A loop advances as often as the product of its own and all outer trip counts, so the innermost strides dominate,
    as they do in the memory traffic.
    """
    weights = np.zeros(MAX_LOOPS)
    trips = 1.0
    for index in range(len(state.loops)):
        size, tail = state.size_and_tail(index)
        trips *= size + (tail > 0)
        weights[index] = trips
    total: np.ndarray = weights @ stride_histograms(state)
    return (total / (total.sum() or 1.0)).astype(np.float32)
