"""A search as a graph: what it visited, in which order, and which way was the best."""

from __future__ import annotations

import re
import string
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib
import pytest
from matplotlib.ft2font import FT2Font

from eval import search_graph
from eval.budget import Budget
from eval.compare import carry_out
from eval.graph_drawing import TITLE_SIZE, arrange, caption, title_width, to_dot, to_svg
from eval.graph_files import read_graphs
from eval.plan import Plan
from eval.search_graph import RecordedTrial, SearchGraph
from eval.searches import SEARCHES, make_search
from eval.searches.run import conduct, run_search
from eval.trial import Outcome
from eval.workers import station
from models.store.atomic import NotWritten
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy
from tests.eval.conftest import dials

TASK = dials(3, 4, 2)
SVG = "{http://www.w3.org/2000/svg}"


def recorded(method: str, budget: int, task: Benchmark = TASK) -> tuple[SearchGraph, Outcome]:
    trial = RecordedTrial(Toy(), task, Budget(evaluations=budget))
    return (outcome := conduct(make_search(method), trial, task, 0, method)) and trial.graph(), outcome


@pytest.mark.parametrize("method", SEARCHES)
def test_recording_changes_nothing_and_the_marked_way_leads_to_the_answer(method):
    graph, outcome = recorded(method, 60)
    plain = run_search(make_search(method), Toy(), TASK, Budget(evaluations=60), stream=method)
    assert (outcome.best, outcome.evaluations) == (plain.best, plain.evaluations)
    first = graph.nodes[0]
    assert (first.depth, first.order, first.value) == (0, 1, outcome.start.value)
    toy, state, at = Toy(), Toy().initial(TASK), 0
    way = {(edge.source, edge.action): edge.target for edge in graph.edges if edge.on_best_path}
    for action in outcome.best.actions:
        state = toy.apply(state, action)
        at = way[at, toy.actions[action]]
        assert graph.nodes[at].on_best_path
        assert graph.nodes[at].value in (None, toy.evaluate(state).value)
    assert graph.nodes[at].value == outcome.claimed.value == max(node.value or 0.0 for node in graph.nodes)
    orders = sorted(node.order for node in graph.nodes if node.order is not None)
    assert orders == list(range(1, len(orders) + 1))


def test_a_search_that_visits_much_is_shown_in_part_with_its_way_to_the_best(monkeypatch):
    monkeypatch.setattr(search_graph, "NODES_SHOWN", 10)
    graph, outcome = recorded("random", 150, dials(5, 2, 6, 3))
    assert graph.visited > 50 and len(graph.nodes) <= 10 + len(outcome.best.actions)
    assert any(node.value == outcome.claimed.value and node.on_best_path for node in graph.nodes)
    reached = {0}
    for edge in sorted(graph.edges, key=lambda edge: graph.nodes[edge.source].depth):
        reached |= {edge.target} if edge.source in reached else set()
    assert len(reached) == len(graph.nodes), "the untuned state leads to all"
    assert f"the first of {graph.visited} states and the way to the best" in to_svg(graph, "random")


def test_nothing_is_recorded_unless_asked(monkeypatch):
    monkeypatch.setattr(station, "RecordedTrial", type("Unused", (), {}))
    plan = Plan.make([TASK], ["greedy1"], Budget(evaluations=20))
    found = station.Station(Toy(), plan).carry_out(station.SearchOrder(TASK, "greedy1", 0, plan.budget))
    assert found.graph is None and found.outcome.evaluations > 1


def test_nodes_lie_in_layers_and_never_on_each_other():
    graph, _ = recorded("beam4", 200)
    places = arrange(graph)
    assert len(set(places)) == len(graph.nodes)
    columns = {node.depth: {place.x for one, place in zip(graph.nodes, places, strict=True) if one.depth == node.depth}
               for node in graph.nodes}  # fmt: skip
    assert all(len(each) == 1 for each in columns.values()) and len(columns) > 3


def test_the_svg_is_whole_and_the_text_for_graphviz_too():
    graph, _ = recorded("greedy2", 100)
    evil = 'on "<script>alert(1)</script>\\'
    root = ElementTree.fromstring(to_svg(graph, evil))
    assert root.tag == f"{SVG}svg" and not list(root.iter(f"{SVG}script"))
    assert len(list(root.iter(f"{SVG}rect"))) == 2 * len(graph.nodes)
    assert len(list(root.iter(f"{SVG}path"))) == sum(edge.source != edge.target for edge in graph.edges)
    text = to_dot(graph, evil)
    assert len(re.findall(r"^  \d+ \[label=", text, re.MULTILINE)) == len(graph.nodes)
    assert len(re.findall(r"^  \d+ -> \d+ \[", text, re.MULTILINE)) == len(graph.edges)
    assert r"\"<script>" in text and text.rstrip().endswith("}")


@pytest.mark.parametrize("name", ["b", "a benchmark with a name that is much longer than its graph is wide"])
def test_a_title_has_room_in_the_picture(name):
    graph, _ = recorded("greedy1", 2)
    root = ElementTree.fromstring(to_svg(graph, name))
    title = next(text for text in root.iter(f"{SVG}text") if text.get("class") == "title")
    assert title.text == caption(graph, name)
    _, _, width, _ = map(float, root.get("viewBox").split())
    assert float(title.get("x")) + title_width(title.text) <= width == float(root.get("width"))


def test_no_letter_is_wider_than_it_is_taken_for():
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = FT2Font(str(folder / "DejaVuSans.ttf"))
    font.set_size(TITLE_SIZE, 72)
    for letter in string.printable.strip():
        assert font.load_char(ord(letter)).linearHoriAdvance / 65536 <= title_width(letter), letter


def test_each_search_of_a_comparison_has_its_files(tmp_path):
    strange = Benchmark("../a b", "toy", {"targets": [3]})
    plan = Plan.make([dials(3, 2), strange], ["greedy1", "random"], Budget(evaluations=8), (0, 1), graphs=True)
    carry_out(Toy(), plan, graphs=tmp_path / "graphs")
    graphs = read_graphs(tmp_path / "graphs")
    assert len(graphs) == 8 and "3_2-greedy1-seed0" in graphs
    assert all(text.startswith("<svg ") for text in graphs.values())
    assert len(list((tmp_path / "graphs").glob("*.dot"))) == 8
    assert [path.name for path in tmp_path.iterdir()] == ["graphs"]
    assert read_graphs(tmp_path / "none") == {}


def test_no_room_for_a_graph_is_an_error_of_its_own(tmp_path, file_size_limit):
    plan = Plan.make([dials(3)], ["greedy1"], Budget(evaluations=20), graphs=True)
    with pytest.raises(NotWritten, match=r"graph .* can't be written: File too large"), file_size_limit(200):
        carry_out(Toy(), plan, graphs=Path(tmp_path))
