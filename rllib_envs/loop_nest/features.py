"""What a network sees of a loop nest: one row a loop, sizes as logarithms, everything about one in magnitude.

Three things were missing from LoopTune's own loops tensor and are here: which variable a loop runs over (without it k
and n look alike), sizes on a scale that a network can use, and strides that are those of the tensors.
"""

from __future__ import annotations

from math import log2

import numpy as np

from rllib_envs.loop_nest.actions import MAX_LOOPS
from rllib_envs.loop_nest.state import NestState
from rllib_envs.loop_nest.statement import Statement

MAX_VARS = 8
STRIDE_BINS = 32
LOG_SCALE = 10.0
"""Logarithms of sizes, strides and footprints are divided by this: 1024 elements become 1.0."""

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
GLOBAL_FEATURES = ("flops", "loops", "C_elements", "A_elements", "B_elements", "reduces", "copies", "epilogue")


def _log(value: int) -> float:
    return log2(value + 1) / LOG_SCALE


def _accesses(statement: Statement) -> list[dict[str, int]]:
    """Strides by variable of C, A and B; empty for a B that is not there. An epilogue's tensors matter little."""
    accesses = [dict(statement.output), *(dict(access) for access in statement.inputs)]
    return accesses + [{}] * (3 - len(accesses))


def loop_features(state: NestState) -> np.ndarray:
    """float32 [MAX_LOOPS, len(LOOP_FEATURES)]; rows beyond the last loop are zero.

    A footprint is the number of elements of a tensor that one iteration of the loop touches: it tells what fits in
    registers and in each cache from that loop inwards.
    """
    statement, loops = state.statement, state.loops
    var_index = {var: index for index, (var, _) in enumerate(statement.sizes)}
    accesses = _accesses(statement)
    extents = dict(statement.size)
    rows: list[list[float]] = []
    for depth, (var, step, annotation) in enumerate(loops):
        size, tail = divmod(extents[var], step)
        extents[var] = step
        row = [
            float(depth == state.cursor),
            _log(size),
            _log(tail),
            _log(step),
            depth / MAX_LOOPS,
            float(step == 1),
            float(annotation == "unroll"),
            float(annotation == "vectorize"),
            *(1.0 if index == var_index[var] else 0.0 for index in range(MAX_VARS)),
        ]
        for access in accesses:
            stride = access.get(var, 0)
            footprint = 1
            for name in access:
                footprint *= extents[name]
            row += (
                float(stride > 0),
                float(stride == 1),
                _log(stride * step),
                _log(footprint) if access else 0.0,
            )
        rows.append(row)
    features = np.zeros((MAX_LOOPS, len(LOOP_FEATURES)), np.float32)
    features[: len(rows)] = rows
    return features


def loop_mask(state: NestState) -> np.ndarray:
    """int8 [MAX_LOOPS]; 1 where there is a loop."""
    return (np.arange(MAX_LOOPS) < len(state.loops)).astype(np.int8)


def global_features(state: NestState) -> np.ndarray:
    """float32 [len(GLOBAL_FEATURES)]."""
    statement = state.statement
    elements = [*statement.elements, 0][:3]
    return np.array(
        [
            _log(statement.flops) / 2,
            len(state.loops) / MAX_LOOPS,
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
