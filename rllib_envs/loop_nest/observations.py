"""The observations that LoopTune's users know, by name, for the reader and for analysis.

Policies train on `Problem.observe`; these are for people and for code that was written against the old names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from rllib_envs.loop_nest import features
from rllib_envs.loop_nest.loop_tool_tree import dump, to_ir
from rllib_envs.loop_nest.state import NestState
from rllib_envs.names import choose

if TYPE_CHECKING:
    import networkx as nx

    from rllib_envs.loop_nest import LoopNest

PREVIOUS_ACTIONS = 5


def _runtime(problem: LoopNest, state: NestState, history: Sequence[int]) -> float:
    """Seconds of one run."""
    return problem.evaluate(state).details["seconds"]


def _flops(problem: LoopNest, state: NestState, history: Sequence[int]) -> float:
    """GFLOPS: 10^9 floating-point operations a second."""
    return problem.evaluate(state).value


def _predicted_flops(problem: LoopNest, state: NestState, history: Sequence[int]) -> float:
    """GFLOPS by the cost model, without running anything."""
    return problem.predict(state)


def _ir(problem: LoopNest, state: NestState, history: Sequence[int]) -> str:
    return str(to_ir(state).serialize())


def _loop_tree(problem: LoopNest, state: NestState, history: Sequence[int]) -> str:
    return dump(state)


def _loops_tensor(problem: LoopNest, state: NestState, history: Sequence[int]) -> np.ndarray:
    """float32 [MAX_LOOPS, LOOP_FEATURES + STRIDE_BINS]: the loop features and the stride histogram of each loop."""
    return np.concatenate([features.loop_features(state), features.stride_histograms(state)], axis=1)


def _stride_tensor(problem: LoopNest, state: NestState, history: Sequence[int]) -> np.ndarray:
    return features.stride_tensor(state)


def _previous_actions(problem: LoopNest, state: NestState, history: Sequence[int]) -> np.ndarray:
    """float32 [5, actions]: the last five actions one-hot, newest first; zero rows where there were fewer."""
    rows = np.zeros((PREVIOUS_ACTIONS, len(problem.actions)), np.float32)
    for row, action in zip(range(PREVIOUS_ACTIONS), reversed(history), strict=False):
        rows[row, action] = 1
    return rows


def _ir_tree(problem: LoopNest, state: NestState, history: Sequence[int]) -> nx.DiGraph:
    """The loops as a tree: edges from each loop to what it contains, down to the statement."""
    import networkx as nx

    graph = nx.DiGraph()
    inside: list[int | str] = [*range(len(state.loops)), "statement"]
    for index, loop in enumerate(state.loops):
        size, tail = state.size_and_tail(index)
        graph.add_node(
            index,
            type="LOOP",
            var=loop.var,
            size=size,
            tail=tail,
            step=loop.step,
            cursor=index == state.cursor,
            unroll=loop.annotation == "unroll",
            vectorize=loop.annotation == "vectorize",
        )
    graph.add_node("statement", type="INST", combine=state.statement.combine, reduce=state.statement.reduce)
    graph.add_edges_from(pairwise(inside), type="control")
    return graph


def _ir_graph(problem: LoopNest, state: NestState, history: Sequence[int]) -> nx.DiGraph:
    """The tree with its data: a DATA node a tensor, data edges to and from the statement, and stride edges.

    A stride edge from a loop to a tensor carries how many elements one iteration of the loop moves in it.
    """
    graph = _ir_tree(problem, state, history)
    statement = state.statement
    accesses = zip(statement.tensor_names, statement.accesses, statement.elements, strict=True)
    for tensor, access, elements in accesses:
        graph.add_node(tensor, type="DATA", elements=elements)
        edge = ("statement", tensor) if tensor == "C" else (tensor, "statement")
        graph.add_edge(*edge, type="data")
        strides = dict(access)
        for index, loop in enumerate(state.loops):
            if loop.var in strides:
                graph.add_edge(index, tensor, type="stride", stride=strides[loop.var] * loop.step)
    return graph


OBSERVATIONS: Mapping[str, Callable[[LoopNest, NestState, Sequence[int]], Any]] = {
    "runtime": _runtime,
    "flops": _flops,
    "predicted_flops": _predicted_flops,
    "ir": _ir,
    "loop_tree": _loop_tree,
    "ir_tree_networkx": _ir_tree,
    "ir_graph_networkx": _ir_graph,
    "loops_tensor": _loops_tensor,
    "stride_tensor": _stride_tensor,
    "5_prev_actions_tensor": _previous_actions,
}


def observation(problem: LoopNest, name: str, state: NestState, history: Sequence[int] = ()) -> Any:
    """One named observation of a state. `history` holds the action indices taken so far, oldest first."""
    return OBSERVATIONS[choose(name, OBSERVATIONS, "observation")](problem, state, history)
