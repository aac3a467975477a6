"""What a network sees: right values on a nest that can be worked out by hand."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.actions import ACTIONS
from rllib_envs.loop_nest.features import (
    LOOP_FEATURES,
    MAX_LOOPS,
    STRIDE_BINS,
    loop_features,
    loop_mask,
    stride_histograms,
    stride_tensor,
)
from rllib_envs.loop_nest.kinds import make_statement
from rllib_envs.loop_nest.observations import OBSERVATIONS, observation
from rllib_envs.loop_nest.state import untuned


@pytest.fixture
def nest():
    """for m in 7 r 4 (step 8) / for k in 32 / for m in 8 / for n in 48, cursor on k."""
    state = untuned(make_statement("mm", {"m": 60, "n": 48, "k": 32}))
    for name in ("split_8", "down", "swap_down", "up"):
        state = ACTIONS[name].apply(state)
    return state


def column(features, name):
    return features[:4, LOOP_FEATURES.index(name)]


def log(value):
    return log2(value + 1) / 10


def test_loop_features_by_hand(nest):
    features = loop_features(nest)
    assert features.shape == (MAX_LOOPS, len(LOOP_FEATURES)) and features.dtype == np.float32
    assert not features[4:].any() and loop_mask(nest).tolist() == [1] * 4 + [0] * 6
    assert column(features, "cursor").tolist() == [0, 1, 0, 0]
    assert column(features, "iterations") == pytest.approx([log(7), log(32), log(8), log(48)])
    assert column(features, "tail") == pytest.approx([log(4), 0, 0, 0])
    assert column(features, "step") == pytest.approx([log(8), log(1), log(1), log(1)])
    assert column(features, "var_0").tolist() == [1, 0, 1, 0]  # m
    assert column(features, "C_unit_stride").tolist() == [0, 0, 0, 1]
    assert column(features, "A_stride") == pytest.approx([log(8 * 32), log(1), log(32), 0])
    # inside the loop over n nothing is left but one element of each; inside the second m, 1 row of C with 48 columns
    assert column(features, "C_footprint") == pytest.approx([log(8 * 48), log(8 * 48), log(48), log(1)])
    assert column(features, "A_footprint") == pytest.approx([log(8 * 32), log(8), log(1), log(1)])


def test_k_and_n_differ_even_at_equal_size():
    state = untuned(make_statement("mm", {"m": 64, "n": 64, "k": 64}))
    swapped = ACTIONS["swap_down"].apply(ACTIONS["down"].apply(state))
    assert not np.array_equal(loop_features(state)[:, 1:], loop_features(swapped)[:, 1:])


def test_stride_histograms_by_hand(nest):
    histograms = stride_histograms(nest)
    assert histograms.shape == (MAX_LOOPS, STRIDE_BINS)
    # one iteration of the outer m moves C by 8*48 = 384 elements (bin 9) and A by 8*32 = 256 (bin 8)
    assert histograms[0].nonzero()[0].tolist() == [8, 9]
    # k moves A by 1 (bin 0) and B by 48 (bin 6); n moves C and B by 1
    assert histograms[1].nonzero()[0].tolist() == [0, 6] and histograms[3, 0] == 1
    assert histograms[:4].sum(axis=1) == pytest.approx(1)
    total = stride_tensor(nest)
    assert total.shape == (STRIDE_BINS,) and total.sum() == pytest.approx(1) and total[0] > 0.8


def speeds_agree(loop_nest, nest) -> bool:
    """Two measurements of the same, one told in seconds and one in GFLOPS."""
    seconds, gflops = (observation(loop_nest, name, nest) for name in ("runtime", "flops"))
    return gflops == pytest.approx(nest.statement.flops / seconds / 1e9, rel=0.1)


def test_every_named_observation(loop_nest, nest):
    history = [loop_nest.actions.index(name) for name in ("split_8", "down", "swap_down")]
    seen = {name: observation(loop_nest, name, nest, history) for name in OBSERVATIONS}
    assert any(speeds_agree(loop_nest, nest) for _ in range(50)), "others on this machine may disturb some of them"
    assert seen["ir"].startswith("v:m") and "<-- cursor" in seen["loop_tree"]
    assert seen["loops_tensor"].shape == (MAX_LOOPS, len(LOOP_FEATURES) + STRIDE_BINS)
    assert seen["stride_tensor"].shape == (STRIDE_BINS,)
    previous = seen["5_prev_actions_tensor"]
    assert previous.shape == (5, len(loop_nest.actions))
    assert previous.argmax(axis=1)[:3].tolist() == history[::-1] and not previous[3:].any()
    tree, graph = seen["ir_tree_networkx"], seen["ir_graph_networkx"]
    assert list(tree.edges) == [(0, 1), (1, 2), (2, 3), (3, "statement")] and tree.nodes[1]["cursor"]
    assert graph.edges[0, "C"] == {"type": "stride", "stride": 384} and graph.edges["A", "statement"]["type"] == "data"
    with pytest.raises(UserError, match="did you mean 'stride_tensor'"):
        observation(loop_nest, "stride_tensr", nest)
