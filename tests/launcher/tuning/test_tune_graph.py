"""`tunewright tune streaming_engine graph.json`: an answer, verified, or why there is none; a line for bad input."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from launcher.cli import main
from launcher.mapping.answer import read_task, show_answer
from rllib_envs.streaming_engine import annealing
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.mapping_json import load_mapping
from rllib_envs.streaming_engine.solved import Disagreement

GRAPH = {"nodes": ["a", "b", "c"], "edges": [["a", "b"], ["a", "c"]]}
SHARED = {**GRAPH, "memory": {"M": ["b", "c"]}}


@pytest.fixture
def graph(tmp_path, monkeypatch):
    """The path of a graph file, in a folder without any policy."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    return path


def tune(*arguments) -> None:
    main(["tune", "streaming_engine", *map(str, arguments)])


def test_the_answer_is_optimal_and_written_in_each_format(graph, capsys, tmp_path):
    task = read_task(graph, (16, 6))
    assert task.device == Device(1, 16, 6)
    for ending in ("json", "svg", "dot"):
        tune(graph, "--topology", 16, 6, "--emit", tmp_path / f"new/mapping.{ending}")
        printed = capsys.readouterr().out
        assert "verified: 7 cycles; proven optimal" in printed and "no policy for streaming_engine here" in printed
    assert load_mapping(tmp_path / "new/mapping.json", task).tiles
    assert "a" in (tmp_path / "new/mapping.svg").read_text() and "digraph" in (tmp_path / "new/mapping.dot").read_text()


def test_shipped_graphs_go_by_name_the_infeasible_one_too(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name, words in (("vector_add", "7 cycles; proven optimal"), ("fft_two_loops_shared_twiddle", "infeasible")):
        tune(name, "--seconds", 2)
        assert words in capsys.readouterr().out


def test_infeasible_is_an_answer_with_the_rules_by_name(graph, capsys, tmp_path):
    graph.write_text(json.dumps(SHARED))
    tune(graph, "--emit", tmp_path / "mapping.json")
    printed = capsys.readouterr().out
    assert "infeasible" in printed and "tile_memory + sibling: b, c" in printed and "there is no mapping" in printed
    tune(graph, "--without", "tile_memory")
    assert "verified: 7 cycles" in capsys.readouterr().out


def test_a_shipped_graph_is_named_and_may_go_on_another_device():
    assert read_task(Path("mul_add"), ()).device == Device(1, 16, 6)
    assert read_task(Path("mul_add"), (2, 4, 3), pipeline_depth=5).device == Device(2, 4, 3, 5)


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (None, (), "does not exist"),
        ("{", (), "no JSON"),
        ("[" * 5000, (), "nested more than"),
        ('{"nodes": ["a", "b"], "edges": [["a", "b"], ["b", "a"]]}', (), "cycl"),
        ('{"nodes": ["a"], "edges": [["a", "z"]]}', (), "none of the nodes"),
        (json.dumps(GRAPH), ("--topology", 1, 2), "take a larger device"),
        (json.dumps({**GRAPH, "memory": {"M": ["a", "b", "c"]}}), ("--topology", 8, 2), "more spokes"),
        (json.dumps(GRAPH), ("--topology", 4), "write 16 6"),
        (json.dumps(GRAPH), ("--seconds", 0), "more than 0"),
        (json.dumps(GRAPH), ("--emit", "mapping.xls"), "unknown ending"),
        (json.dumps(GRAPH), ("--policy", "nowhere"), "does not exist"),
    ],
)
def test_bad_input_is_one_line(graph, capsys, content, options, message):
    graph.unlink()
    if content is not None:
        graph.write_text(content)
    with pytest.raises(SystemExit) as ended:
        tune(graph, *options)
    error = capsys.readouterr().err
    assert ended.value.code == 2 and error.startswith("error: ") and error.count("\n") == 1 and message in error


def test_a_time_that_the_evaluator_does_not_find_is_an_error(graph):
    task = read_task(graph, ())
    solved = annealing.solve(task, 1, np.random.default_rng(0))
    with pytest.raises(Disagreement, match="6 cycles were found"):
        show_answer(task, replace(solved, makespan=6))
