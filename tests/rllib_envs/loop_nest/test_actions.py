"""The actions do what loop_tool does with the same names, and nothing that changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.loop_nest.actions import ACTIONS, LOOPTUNE, MAX_LOOPS, PRESETS, choose_actions
from rllib_envs.loop_nest.kinds import make_statement
from rllib_envs.loop_nest.loop_tool_tree import to_tree
from rllib_envs.loop_nest.state import untuned


def start(m=60, n=48, k=32):
    return untuned(make_statement("mm", {"m": m, "n": n, "k": k}))


def run(state, *names):
    for name in names:
        assert not ACTIONS[name].refusal(state), ACTIONS[name].refusal(state)
        state = ACTIONS[name].apply(state)
    return state


def order(state):
    return [(loop.var, loop.step) for loop in state.loops]


def test_the_untuned_order_is_looptunes():
    assert order(start()) == [("m", 1), ("k", 1), ("n", 1)] and start().cursor == 0


def test_moving_and_swapping_take_the_cursor_along():
    state = run(start(), "swap_down")
    assert order(state) == [("k", 1), ("m", 1), ("n", 1)] and state.cursor == 1
    assert order(run(state, "swap_up")) == order(start())
    assert run(start(), "down", "down", "up").cursor == 1


def test_split_keeps_the_cursor_outside_and_the_annotation_inside():
    state = run(start(), "unroll", "split_8")
    assert [tuple(loop) for loop in state.loops[:2]] == [("m", 8, ""), ("m", 1, "unroll")]
    assert state.cursor == 0 and state.size_and_tail(0) == (7, 4) and state.size_and_tail(1) == (8, 0)


def test_merge_puts_the_joined_loop_where_the_outer_one_stood():
    state = run(start(), "split_8", "down", "swap_down", "split_4", "merge")
    assert order(state) == [("m", 4), ("k", 1), ("m", 1), ("n", 1)] and state.cursor == 2
    assert state.size_and_tail(0) == (15, 0)


@pytest.mark.parametrize(
    ("before", "action", "reason"),
    [
        ((), "up", "outermost"),
        (("down", "down"), "down", "innermost"),
        ((), "swap_up", "no loop outside"),
        (("down", "down"), "swap_down", "no loop inside"),
        (("split_4",), "swap_down", "both loops run over m"),
        ((), "split_64", "60 iterations"),
        ((), "merge", "no loop around"),
        (("split_4",), "vectorize", "only the innermost loop over m"),
        (
            ("split_32", "split_16", "split_8", "split_4", "split_2") + ("down",) * 6 + ("split_16", "split_4"),
            "split_2",
            "10",
        ),
    ],
)
def test_what_is_impossible_is_refused_in_words(before, action, reason):
    state = start(m=60, n=48)
    for name in before:
        if not ACTIONS[name].refusal(state):
            state = ACTIONS[name].apply(state)
    if "10" in reason:
        while len(state.loops) < MAX_LOOPS:
            possible = [name for name in ACTIONS if name.startswith("split") and not ACTIONS[name].refusal(state)]
            state = ACTIONS[possible[0]].apply(state) if possible else ACTIONS["up"].apply(state)
    assert reason in ACTIONS[action].refusal(state)


def test_the_problem_raises_the_reason(loop_nest):
    with pytest.raises(IllegalAction, match="swap_up: there is no loop outside"):
        loop_nest.apply(start(), loop_nest.actions.index("swap_up"))


def shape(tree, count):
    """(variable, size, tail) of the compute nest's loops."""
    return [(tree.ir.dump_var(loop.var), loop.size, loop.tail) for loop in map(tree.loop, range(count))]


def loop_tools_own(tree, action, cursor, partner):
    if action.startswith("split_"):
        return tree.split(cursor, int(action[6:]))
    if action == "merge":
        return tree.merge(cursor)
    return tree.swap_loops(cursor, partner)


@pytest.mark.parametrize("seed", range(40))
def test_random_walks_agree_with_loop_tool(seed):
    """Each split, merge and swap, done by loop_tool to the tree before, gives the tree after."""
    rng = np.random.default_rng(seed)
    state = start(*map(int, rng.integers(2, 200, 3)))
    for _ in range(25):
        legal = [name for name, action in ACTIONS.items() if not action.refusal(state)]
        name = str(rng.choice(legal))
        following = ACTIONS[name].apply(state)
        if name.startswith(("split", "merge", "swap")):
            tree = loop_tools_own(to_tree(state), name, state.cursor, following.cursor)
            ours = [(loop.var, *following.size_and_tail(i)) for i, loop in enumerate(following.loops)]
            assert shape(tree, len(ours)) == ours, (state, name)
        state = following


def test_presets_and_lists():
    assert choose_actions("looptune") == LOOPTUNE == PRESETS["looptune"]
    assert choose_actions("up, down,split_512") == ("up", "down", "split_512")
    assert len(choose_actions("full")) == 20
    with pytest.raises(UserError, match="did you mean 'split_16'"):
        choose_actions(["split_15"])
    with pytest.raises(UserError, match="once each"):
        choose_actions("up,up")
