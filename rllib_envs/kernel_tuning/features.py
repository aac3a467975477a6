"""What a policy sees, in logarithms and shares: the options of the decision at hand, the knobs, and all of them."""

from __future__ import annotations

from math import log2, prod

import numpy as np

from rllib_envs.kernel_tuning.decisions import Decided, decisions, options
from rllib_envs.kernel_tuning.gene_space import ROLES, ChoiceKnob, Knob, LocationKnob, TileKnob

OPTION_FEATURES = (
    "preference",  # of a plain heuristic, for which there is none here: 0
    "tile",
    "choice",
    "location",
    "innermost",  # whether a factor is of the loop that may be vectorised
    "factor",
    "left",  # of the loop, for the levels outside
    "fills_8",  # whether a factor is a multiple of 8: vectors of 256 bits
    "fills_16",
    "rank",  # among the options, from 0 to 1
    "value",
    "depth",
    "root",
    "inlined",
    "untouched",  # whether choosing it changes nothing
)
KNOB_FEATURES = (
    "at_hand",
    "decided",
    "tile",
    "choice",
    "location",
    "levels",
    "level",  # that is being chosen, from the inside
    "extent",
    "factor_1",  # innermost; as the state stands
    "factor_2",
    "factor_3",
    "factor_4",
    "value",
    "depth",
    "choices",
)
GLOBAL_FEATURES = (
    "vectorised",  # how often the loop runs that is vectorised
    "spatial",  # how often the others do that are no sums, all together
    "reduction",  # and those that are
    "loops",
    "values",
    "locations",
    "genes",
    "left",  # share of the decisions that may be left
)
FACTOR_BITS, SIZE_BITS, GENE_BITS, VALUE_BITS = 6.0, 20.0, 30.0, 9.0
"""Logarithms to base 2 that count as one: of a factor, how often loops run, the number of genes, an unrolling depth."""
DEPTHS, LEVELS, MANY = 16.0, 4, 8.0


def option_features(state: Decided) -> np.ndarray:
    """float32 [options, OPTION_FEATURES]"""
    found, knob = options(state), state.knob
    table = np.zeros((len(found), len(OPTION_FEATURES)), np.float32)
    columns = {name: table[:, column] for column, name in enumerate(OPTION_FEATURES)}
    columns[_kind(knob)][:] = 1
    columns["rank"][:] = np.linspace(0, 1, len(found))
    values = np.array(found)
    match knob:
        case TileKnob():
            left = knob.extent // prod(state.inner) // values
            columns["innermost"][:] = not state.inner
            columns["factor"][:] = np.log2(values) / FACTOR_BITS
            columns["left"][:] = np.log2(left) / FACTOR_BITS
            columns["fills_8"][:] = values % 8 == 0
            columns["fills_16"][:] = values % 16 == 0
            now = knob.factors[state.gene[len(state.chosen)]][-1 - len(state.inner)]
            columns["untouched"][:] = values == now
        case ChoiceKnob():
            columns["value"][:] = np.log2(1 + np.array(knob.values)) / VALUE_BITS
        case LocationKnob():
            depths = np.array(knob.depths)
            columns["depth"][:] = np.maximum(depths, 0) / DEPTHS
            columns["root"][:] = depths == -1
            columns["inlined"][:] = depths == -2
    if not isinstance(knob, TileKnob):
        columns["untouched"][:] = values == state.gene[len(state.chosen)]
    return table


def knob_features(state: Decided, most: int) -> np.ndarray:
    """float32 [knobs, KNOB_FEATURES]: that at hand first, then the others from there on; `most` of them."""
    knobs, gene, here = state.kernel.space.knobs, state.gene, len(state.chosen)
    order = [*range(here, len(knobs)), *range(here)][:most]
    return np.stack([_knob(knobs[index], gene[index], index - here, len(state.inner)) for index in order])


def _knob(knob: Knob, choice: int, ahead: int, level: int) -> np.ndarray:
    row = np.zeros(len(KNOB_FEATURES), np.float32)

    def put(name: str, value: float) -> None:
        row[KNOB_FEATURES.index(name)] = value

    put("at_hand", ahead == 0)
    put("decided", ahead < 0)
    put(_kind(knob), 1)
    put("choices", log2(knob.choices) / FACTOR_BITS)
    match knob:
        case TileKnob():
            put("levels", knob.levels / LEVELS)
            put("level", level / LEVELS if ahead == 0 else 0)
            put("extent", log2(knob.extent) / FACTOR_BITS)
            for place, factor in enumerate(knob.factors[choice][::-1][:LEVELS], 1):
                put(f"factor_{place}", log2(factor) / FACTOR_BITS)
        case ChoiceKnob():
            put("value", log2(1 + knob.values[choice]) / VALUE_BITS)
        case LocationKnob():
            put("depth", knob.depths[choice] / DEPTHS)
    return row


def _kind(knob: Knob) -> str:
    return "tile" if isinstance(knob, TileKnob) else "choice" if isinstance(knob, ChoiceKnob) else "location"


def global_features(state: Decided) -> np.ndarray:
    """float32 [GLOBAL_FEATURES]. They follow from the knobs, so that they are there for any function."""
    space = state.kernel.space
    extents = {role: 0.0 for role in ROLES}
    for knob, role in zip(space.knobs, space.roles, strict=True):
        if isinstance(knob, TileKnob):
            extents[role] += log2(knob.extent)
    left = sum(knob.levels - 1 if isinstance(knob, TileKnob) else 1 for knob in space.knobs[len(state.chosen) :])
    values = (
        extents["vectorised"] / SIZE_BITS,
        extents["spatial"] / SIZE_BITS,
        extents["reduction"] / SIZE_BITS,
        *(sum(isinstance(knob, kind) for knob in space.knobs) / MANY for kind in (TileKnob, ChoiceKnob, LocationKnob)),
        log2(space.size) / GENE_BITS,
        (left - len(state.inner)) / decisions(space),
    )
    return np.array(values, np.float32)
