"""Graphs: what is derived from nodes and edges, what is refused, and that both are values."""

from __future__ import annotations

import pickle

import networkx
import numpy as np
import pytest

from rllib_envs.streaming_engine.graph import (
    MAX_NODES,
    BadGraph,
    ComputeGraph,
    CyclicGraph,
    DanglingSuccessor,
    DuplicateName,
    GraphTooLarge,
    Node,
)
from tests.rllib_envs.streaming_engine.graphs import random_graph


def named(count, **memories):
    return tuple(Node(f"n{i}", memories=memories.get(f"n{i}", ())) for i in range(count))


def test_what_is_derived_agrees_with_networkx():
    rng = np.random.default_rng(0)
    for _ in range(100):
        graph = random_graph(rng, int(rng.integers(1, 15)))
        digraph = networkx.DiGraph(graph.edges)
        digraph.add_nodes_from(range(len(graph)))
        place = {node: index for index, node in enumerate(graph.order)}
        assert sorted(graph.order) == list(range(len(graph)))
        assert all(place[a] < place[b] for a, b in graph.edges)
        assert graph.roots == tuple(sorted(node for node, degree in digraph.in_degree if degree == 0))
        assert graph.sinks == tuple(sorted(node for node, degree in digraph.out_degree if degree == 0))
        assert max(graph.heights) == networkx.dag_longest_path_length(digraph)
        for node in digraph:
            assert set(graph.predecessors[node]) == set(digraph.predecessors(node))
            shared = {other for one in digraph.predecessors(node) for other in digraph.successors(one)} - {node}
            assert set(graph.siblings[node]) == shared
        joined = networkx.Graph(
            (users[0], other) for users in graph.memory_users.values() for other in users[1:] or users
        )
        groups = {frozenset(part) for part in networkx.connected_components(joined) if len(part) > 1}
        assert {frozenset(group) for group in graph.memory_groups} == groups


def test_the_longest_way_goes_first():
    graph = ComputeGraph(named(5), ((0, 1), (2, 3), (3, 4)))
    assert graph.order == (2, 0, 3, 1, 4) and graph.heights == (1, 0, 2, 1, 0)


def test_memory_joins_nodes_through_others():
    graph = ComputeGraph(named(5, n0=("A",), n2=("A", "B"), n4=("B",), n1=("C",)), ())
    assert graph.memory_groups == ((0, 2, 4),) and graph.memory_users["B"] == (2, 4)


def test_graphs_are_values():
    one = ComputeGraph(named(3), ((1, 2), (0, 1), (1, 2)))
    same = ComputeGraph(named(3), ((0, 1), (1, 2)))
    assert one == same and hash(one) == hash(same) and one != ComputeGraph(named(3), ((0, 1),))
    assert "_hash" not in pickle.loads(pickle.dumps(one)).__dict__  # noqa: S301 - our own bytes; texts hash anew
    assert pickle.loads(pickle.dumps(one)) == one  # noqa: S301


@pytest.mark.parametrize(
    ("nodes", "edges", "error"),
    [
        (named(3), ((0, 1), (1, 2), (2, 0)), CyclicGraph),
        (named(2), ((0, 0),), CyclicGraph),
        (named(2), ((0, 2),), DanglingSuccessor),
        (named(2), ((-1, 1),), DanglingSuccessor),
        ((Node("a"), Node("a")), (), DuplicateName),
        (named(MAX_NODES + 1), (), GraphTooLarge),
        ((), (), BadGraph),
    ],
)
def test_bad_graphs_are_named(nodes, edges, error):
    with pytest.raises(error):
        ComputeGraph(nodes, edges)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 201, "\ud800"])
def test_bad_names(name):
    with pytest.raises(BadGraph):
        Node(name)
    with pytest.raises(BadGraph):
        Node("a", memories=(name,))
