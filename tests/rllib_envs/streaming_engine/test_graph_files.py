"""Graph files of both formats, and files that were made to do harm."""

from __future__ import annotations

import json
import os
import time

import numpy as np
import pytest

from rllib_envs.streaming_engine.graph import (
    BadGraph,
    CyclicGraph,
    DanglingSuccessor,
    DuplicateName,
    GraphTooLarge,
)
from rllib_envs.streaming_engine.graph_json import MAX_BYTES, graph_from_spec, graph_to_spec, parse_graph, read_graph
from tests.rllib_envs.streaming_engine.graphs import random_graph


def instruction(successors, use=(), ops=("AddF32",)):
    return {"SEInst": {"SEInstUse": list(use), "SEInstDefine": ["x"], "ops": list(ops), "Successors": successors}}


PROGRAM = {
    "Dispatch": {"DispatchVar": ["TM_A"]},
    "TileMemories": {"TM_A": {"size": 64}, "TM_B": {"size": 1}},
    "Program": [
        {"SyncFlow": [instruction([1, 2], ["i", "TM_A"]), instruction([]), instruction([], ["TM_B"])]},
        {"SyncFlow": [instruction([1], ["TM_B"]), instruction([], ops=[])]},
    ],
}


def test_the_compilers_format():
    graph = graph_from_spec(PROGRAM)
    assert [node.name for node in graph.nodes] == ["0.0", "0.1", "0.2", "1.0", "1.1"]
    assert graph.edges == ((0, 1), (0, 2), (3, 4))
    assert [node.flow for node in graph.nodes] == [0, 0, 0, 1, 1]
    assert graph.memory_users == {"TM_A": (0,), "TM_B": (2, 3)} and graph.memory_groups == ((2, 3),)
    assert graph.nodes[0].operation == "AddF32"


def test_our_own_format():
    graph = parse_graph(
        '{"nodes": ["load", {"name": "add", "operation": "AddF32", "flow": 1}], "edges": [["load", "add"]],'
        ' "memory": {"A": ["load", "add"]}}'
    )
    assert graph.edges == ((0, 1),) and graph.memory_groups == ((0, 1),) and graph.nodes[1].flow == 1


def test_what_is_written_is_read_as_the_same_graph():
    rng = np.random.default_rng(0)
    for graph in (graph_from_spec(PROGRAM), *(random_graph(rng, int(rng.integers(1, 20))) for _ in range(50))):
        assert parse_graph(json.dumps(graph_to_spec(graph), sort_keys=True)) == graph


def program(*flows):
    return {"Program": [{"SyncFlow": list(flow)} for flow in flows]}


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (program([instruction([1]), instruction([0])]), CyclicGraph),
        (program([instruction([1])], [instruction([])]), DanglingSuccessor),
        (program([instruction([-1])]), BadGraph),
        (program([instruction([True])]), BadGraph),
        (program([instruction(None)]), BadGraph),
        (program([{"SEInst": []}]), BadGraph),
        ({"Program": [[]]}, BadGraph),
        ({"Program": []}, BadGraph),
        (program(*([instruction([])] * 300 for _ in range(2))), GraphTooLarge),
        ({"nodes": ["a", "a"]}, DuplicateName),
        ({"nodes": ["a"], "edges": [["a", "b"]]}, DanglingSuccessor),
        ({"nodes": ["a"], "edges": [["a"]]}, BadGraph),
        ({"nodes": ["a"], "edges": [["a", 0]]}, BadGraph),
        ({"nodes": ["a", "b"], "edges": [["a", "b"], ["b", "a"]]}, CyclicGraph),
        ({"nodes": ["a"], "memory": {"A": ["b"]}}, BadGraph),
        ({"nodes": ["a"], "memory": [["a"]]}, BadGraph),
        ({"nodes": [{"name": "a", "flow": -1}]}, BadGraph),
        ({"nodes": [{"name": "a", "color": 1}]}, BadGraph),
        ({"nodes": [7]}, BadGraph),
        ({"nodes": "abc"}, BadGraph),
        ({"nodes": [f"n{i}" for i in range(600)]}, GraphTooLarge),
        ({"nodes": ["a"], "edge": []}, BadGraph),
        ({}, BadGraph),
        ([], BadGraph),
        (7, BadGraph),
    ],
)
def test_bad_content_is_named(content, error):
    with pytest.raises(error) as raised:
        parse_graph(json.dumps(content))
    assert "\n" not in str(raised.value) and len(str(raised.value)) < 300


@pytest.mark.parametrize(
    "text",
    [
        "[" * MAX_BYTES,
        '{"nodes":' * (MAX_BYTES // 9),
        '\\"' * (MAX_BYTES // 2),
        '"' + '\\"' * (MAX_BYTES // 2 - 1),
        "[" + "[]," * (MAX_BYTES // 3 - 1) + "[]]",
        "9" * MAX_BYTES,
        '{"nodes": [' + "9" * 5000 + "]}",
        '{"nodes": [' + ",".join(['"a"'] * (MAX_BYTES // 4 - 10)) + "]}",
        " " * (MAX_BYTES + 1),
        "",
        "{",
        '{"nodes": NaN}',
    ],
    ids=[
        "deep list",
        "deep object",
        "quotes",
        "open string",
        "wide",
        "digits",
        "long number",
        "many",
        "large",
        "empty",
        "cut off",
        "nan",
    ],
)
def test_hostile_text_is_refused_at_once(text):
    began = time.process_time()
    with pytest.raises(BadGraph) as raised:
        parse_graph(text)
    assert time.process_time() - began < 5  # far less than one; what is not linear takes minutes
    assert len(str(raised.value)) < 300


def test_files_that_are_none(tmp_path):
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_text(" " * (MAX_BYTES + 1))
    os.mkfifo(tmp_path / "pipe")
    for name, error in (
        ("missing", BadGraph),
        (".", BadGraph),
        ("latin", BadGraph),
        ("large", GraphTooLarge),
        ("pipe", BadGraph),
    ):
        with pytest.raises(error, match="graph file"):
            read_graph(tmp_path / name)
    (tmp_path / "cycle.json").write_text(json.dumps({"nodes": ["a"], "edges": [["a", "a"]]}))
    with pytest.raises(CyclicGraph, match=r"cycle\.json"):
        read_graph(tmp_path / "cycle.json")
