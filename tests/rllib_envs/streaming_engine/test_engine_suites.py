"""The shipped graphs, random suites, mapping files and pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.streaming_engine.choosers import at_random
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.drawing import dot_text, draw_mapping
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.generate import KINDS, random_suite
from rllib_envs.streaming_engine.graph import ComputeGraph, Node
from rllib_envs.streaming_engine.mapping import BadMapping
from rllib_envs.streaming_engine.mapping_json import load_mapping, mapping_from_spec, mapping_to_spec, save_mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite


@pytest.mark.parametrize(
    ("name", "edges", "flows", "variables", "shared"),
    [
        ("mul_add", 2, [3], 4, 0),
        ("vector_add", 3, [1, 3, 2, 1], 7, 0),
        ("fft_inner", 14, [1, 9, 6, 1], 17, 4),
        ("fft_two_loops", 20, [1, 7, 1, 9, 6, 1], 17, 5),
        ("distance", 32, [24], 5, 1),
    ],
)
def test_shipped_graphs(name, edges, flows, variables, shared):
    (task,) = (Task.from_benchmark(b) for b in Suite.load("streaming_engine").benchmarks if b.name == name)
    graph = task.graph
    assert len(graph.edges) == edges and task.device == Device(1, 16, 6, 3)
    assert [sum(node.flow == flow for node in graph.nodes) for flow in range(len(flows))] == flows
    assert len(graph.memory_users) == variables
    assert sum(len(users) > 1 for users in graph.memory_users.values()) == shared
    assert decode(task, 200, at_random(np.random.default_rng(0)), look_ahead=True).best() is not None


def test_the_infeasible_graph_has_siblings_in_one_memory():
    (benchmark,) = Suite.load("streaming_engine_infeasible").benchmarks
    graph = Task.from_benchmark(benchmark).graph
    assert len(graph) == 25 and len(graph.edges) == 20
    assert any(set(graph.siblings[group[0]]) & set(group) for group in graph.memory_groups)


@pytest.mark.parametrize("kind", KINDS)
def test_random_suites(kind):
    device = Device(1, 16, 6)
    suite = random_suite(kind, [8, 14], 3, device, seed=5)
    assert suite == random_suite(kind, [8, 14], 3, device, seed=5) != random_suite(kind, [8, 14], 3, device, seed=6)
    assert suite[:2] == random_suite(kind, [8], 3, device, seed=5)[:2]
    for benchmark in suite:
        again = Benchmark(**json.loads(benchmark.to_json()))
        task = Task.from_benchmark(again)
        assert again == benchmark and task.to_benchmark(benchmark.name) == benchmark
        assert task.graph.memory_groups and task.device == device
        assert decode(task, 3000, at_random(np.random.default_rng(0)), look_ahead=True).best() is not None
    assert len({benchmark.to_json() for benchmark in suite}) == 6


def test_what_can_not_be_generated_is_said():
    with pytest.raises(UserError, match="no valid mapping was found"):
        random_suite("gn", [40], 1, Device(1, 16, 6))
    for nodes, count in ((1, 1), (1000, 1), (97, 1), (10, 0)):
        with pytest.raises(UserError):
            random_suite("layered", [nodes], count, Device(1, 16, 6))


@pytest.mark.parametrize(
    "spec", [{}, {"graph": []}, {"graph": {"nodes": ["a"]}, "rule": {}}, {"graph": {"nodes": ["a"]}, "device": 3}]
)
def test_bad_benchmarks(spec):
    with pytest.raises(UserError):
        Task.from_benchmark(Benchmark("x", "streaming_engine", spec))


@pytest.fixture(scope="module")
def fft():
    (task,) = (Task.from_benchmark(b) for b in Suite.load("streaming_engine").benchmarks if b.name == "fft_inner")
    mapping = decode(task, 500, at_random(np.random.default_rng(0)), look_ahead=True).best()
    return task, mapping


def test_mapping_files(fft, tmp_path):
    task, mapping = fft
    path = tmp_path / "mappings" / "fft.json"
    save_mapping(path, task, mapping)
    assert load_mapping(path, task) == mapping
    content = json.loads(path.read_text())
    assert content["num_tiles"] == 16 and content["num_spokes"] == [6] * 16
    assert content["makespan"] == evaluate(task, mapping).makespan
    names = [name for tile in content["mappings"] for name in tile["spoke_map"] if name]
    assert sorted(names) == sorted(node.name for node in task.graph.nodes)


def test_mapping_files_are_judged_anew(fft):
    task, mapping = fft
    content = mapping_to_spec(task, mapping)
    swapped = json.loads(json.dumps(content))
    swapped["mappings"][0], swapped["mappings"][9] = (
        {**content["mappings"][9], "tile_id": 0},
        {**content["mappings"][0], "tile_id": 9},
    )
    late = {**content, "times": [{**time, "start": time["start"] + 1} for time in content["times"]]}
    for wrong in (
        {**content, "makespan": content["makespan"] - 1},
        {**content, "mappings": content["mappings"][1:]},
        {**content, "mappings": [{"tile_id": 0.0, "spoke_map": ["count"]}]},
        {**content, "mappings": [{"tile_id": 0, "spoke_map": ["nobody"]}]},
        {**content, "device": {"columns": 17}},
        swapped,
        late,
        {},
        [],
        None,
    ):
        with pytest.raises(UserError):
            mapping_from_spec(task, wrong)
    with pytest.raises(BadMapping, match="not valid"):
        mapping_to_spec(task, mapping.place(0, mapping.tiles[1], mapping.spokes[1]))


def test_unreadable_mapping_files(fft, tmp_path):
    (tmp_path / "deep").write_text("[" * 100_000)
    (tmp_path / "cut").write_text("{")
    for name in ("deep", "cut", "missing"):
        with pytest.raises(BadMapping, match="can't be read"):
            load_mapping(tmp_path / name, fft[0])


def test_pictures(fft, tmp_path):
    task, mapping = fft
    for name in ("gantt.png", "gantt.svg"):
        draw_mapping(tmp_path / name, task, mapping, "fft_inner")
    assert (tmp_path / "gantt.png").read_bytes().startswith(b"\x89PNG")
    svg = (tmp_path / "gantt.svg").read_text()
    assert "cycle" in svg and svg.count("<path") > len(task.graph)


def test_graphviz_text(fft):
    task, mapping = fft
    text = dot_text(task, mapping)
    assert text.count("subgraph cluster_") == 4 and text.count("dashed") == 4
    assert text.count(" -> ") == len(task.graph.edges) + 4 and text.count("tile ") == len(task.graph)
    assert "tile " not in dot_text(task)
    odd = Task(ComputeGraph((Node('a"b\\'),), ()), Device(), Rules())
    assert r'[label="a\"b\\"]' in dot_text(odd)
