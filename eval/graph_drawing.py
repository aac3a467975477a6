"""The graph of a search as text for Graphviz, and as an SVG element that needs no other program.

Graphviz would arrange a graph better but is not everywhere; where it is, `dot -Tsvg` does so with the former.
"""

from __future__ import annotations

import html
import json
import math
import string
from collections.abc import Sequence
from typing import NamedTuple

from eval.search_graph import GraphEdge, GraphNode, SearchGraph
from eval.wording import number

COLUMN, ROW = 132.0, 30.0
"""Pixels between two layers, and between two nodes of a layer."""
WIDTH, HEIGHT = 54.0, 24.0
"""Pixels of a node."""
MARGIN, TITLE = 12.0, 34.0
TITLE_SIZE = 13
"""Pixels of the title's letters; nobody knows their width before a font is chosen."""
SLIM = frozenset(string.ascii_lowercase + string.digits + " _-.,:;/()'") - {"m", "w"}
SLIM_EM, WIDE_EM = 0.65, 1.0
"""What a letter takes at most of its size, in DejaVu Sans, than which few fonts are wider."""
STRONGEST = 0.55
"""Opacity of the best node's colour; its text stays readable on it."""
STYLE = """
.search-graph { font: 10px system-ui, "DejaVu Sans", sans-serif; }
.search-graph text { fill: var(--ink, #1b1f24); text-anchor: middle; }
.search-graph .title { text-anchor: start; }
.search-graph .action { text-anchor: end; font-size: 6.5px; fill: var(--muted, #5c6570); }
.search-graph .order { font-size: 6px; fill: var(--muted, #5c6570); }
.search-graph rect { fill: var(--accent, #b34700); stroke: var(--line, #c9ced6); }
.search-graph rect.under { fill: var(--page, #ffffff); stroke: none; }
.search-graph path { fill: none; stroke: var(--line, #c9ced6); stroke-width: .8; }
.search-graph path.back { stroke-dasharray: 2 3; }
.search-graph path.best, .search-graph rect.best { stroke: var(--accent, #b34700); stroke-width: 2; }
"""


class Place(NamedTuple):
    """The middle of a node, in pixels."""

    x: float
    y: float


def to_dot(graph: SearchGraph, title: str) -> str:
    """The graph in Graphviz's language."""
    lines = [
        "digraph search {",
        f"  label={json.dumps(caption(graph, title))}; labelloc=t; rankdir=LR;",
        "  node [shape=box, style=rounded, fontsize=10]; edge [fontsize=8];",
    ]
    for index, node in enumerate(graph.nodes):
        emphasis = ", penwidth=3" if node.on_best_path else ""
        lines.append(f"  {index} [label={json.dumps(' '.join(_texts(node)))}{emphasis}];")
    for edge in graph.edges:
        emphasis = ", penwidth=3" if edge.on_best_path else ""
        lines.append(f"  {edge.source} -> {edge.target} [label={json.dumps(edge.action)}{emphasis}];")
    return "\n".join([*lines, "}", ""])


def to_svg(graph: SearchGraph, title: str) -> str:
    """The graph as an SVG element, layer by layer from left to right. On a page it takes that page's colours."""
    places, text = arrange(graph), caption(graph, title)
    width = max(max(place.x for place in places) + WIDTH / 2, MARGIN + title_width(text)) + MARGIN
    height = max(place.y for place in places) + HEIGHT / 2 + MARGIN
    corner = f'x="{MARGIN:.0f}" y="{MARGIN + 10:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="search-graph" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}">',
        f"<style>{STYLE}</style>",
        f'<text class="title" font-size="{TITLE_SIZE}" {corner}>{html.escape(text)}</text>',
    ]
    labelled = {edge.target: edge for edge in sorted(reversed(graph.edges), key=_emphasis)}
    for edge in sorted(graph.edges, key=_emphasis):  # the best path lies on top
        if edge.source != edge.target:
            parts.append(_edge(places[edge.source], places[edge.target], edge))
    for edge in labelled.values():
        parts += _label(places[edge.source], places[edge.target], edge)
    strengths = _strengths(graph)
    for node, place, strength in zip(graph.nodes, places, strengths, strict=True):
        parts += _node(node, place, strength)
    return "\n".join([*parts, "</svg>", ""])


def caption(graph: SearchGraph, title: str) -> str:
    """What the graph is of, and what it leaves out."""
    shown = len(graph.nodes)
    what = (
        f"{shown} states" if shown == graph.visited else f"the first of {graph.visited} states and the way to the best"
    )
    return f"{title}: {what}; {graph.unit}, in the order of evaluation"


def title_width(text: str) -> float:
    """Pixels that a title takes at most."""
    return TITLE_SIZE * sum(SLIM_EM if letter in SLIM else WIDE_EM for letter in text)


def arrange(graph: SearchGraph) -> list[Place]:
    """Layers by depth; in each, nodes in the order of the middles of what leads to them, so that few edges cross."""
    leading: list[list[int]] = [[] for _ in graph.nodes]
    for edge in graph.edges:
        if graph.nodes[edge.source].depth < graph.nodes[edge.target].depth:
            leading[edge.target].append(edge.source)
    layers: dict[int, list[int]] = {}
    for index, node in enumerate(graph.nodes):
        layers.setdefault(node.depth, []).append(index)
    tallest = max(map(len, layers.values()))
    places: list[Place] = [Place(0.0, 0.0)] * len(graph.nodes)
    for depth in sorted(layers):
        layer = sorted(layers[depth], key=lambda index: _middle([places[source].y for source in leading[index]]))
        top = TITLE + MARGIN + HEIGHT / 2 + ROW * (tallest - len(layer)) / 2
        for row, index in enumerate(layer):
            places[index] = Place(MARGIN + WIDTH / 2 + COLUMN * depth, top + ROW * row)
    return places


def _middle(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _strengths(graph: SearchGraph) -> list[float]:
    """Opacity of each node's colour: none for the worst value, and most for the best."""
    values = [node.value for node in graph.nodes if node.value is not None and math.isfinite(node.value)]
    low, high = min(values, default=0.0), max(values, default=0.0)
    worst, best = (low, high) if graph.higher_is_better else (high, low)
    return [
        STRONGEST * (node.value - worst) / (best - worst)
        if node.value is not None and math.isfinite(node.value) and best != worst
        else 0.0
        for node in graph.nodes
    ]


def _node(node: GraphNode, place: Place, strength: float) -> list[str]:
    value, order = _texts(node)
    best = ' class="best"' if node.on_best_path else ""
    corner = f'x="{place.x - WIDTH / 2:.0f}" y="{place.y - HEIGHT / 2:.0f}"'
    box = f'{corner} width="{WIDTH:.0f}" height="{HEIGHT:.0f}" rx="4"'
    return [
        f'<rect class="under" {box}/>',
        f'<rect{best} {box} fill-opacity="{strength:.2f}"/>',
        f'<text x="{place.x:.0f}" y="{place.y + 8:.0f}">{value}</text>',
        f'<text class="order" x="{place.x:.0f}" y="{place.y - 4:.0f}">{order}</text>',
    ]


def _emphasis(edge: GraphEdge) -> bool:
    return edge.on_best_path


def _edge(source: Place, target: Place, edge: GraphEdge) -> str:
    """A curve from one side of a node to a side of another; its action is shown when it is pointed at."""
    forward, here = target.x > source.x, target.x == source.x
    start = Place(source.x + (WIDTH / 2 if forward or here else -WIDTH / 2), source.y)
    end = Place(target.x + (-WIDTH / 2 if forward else WIDTH / 2), target.y)
    bend = (COLUMN - WIDTH) / 2
    first = start.x + (bend if forward or here else -bend)
    second = end.x + (-bend if forward else bend)
    curve = f"M{start.x:.0f} {start.y:.0f}C{first:.0f} {start.y:.0f} {second:.0f} {end.y:.0f} {end.x:.0f} {end.y:.0f}"
    kind = " ".join(["best"] * edge.on_best_path + ["back"] * (not forward))
    return f'<path class="{kind}" d="{curve}"><title>{html.escape(edge.action)}</title></path>'


def _label(source: Place, target: Place, edge: GraphEdge) -> list[str]:
    """The action by which a node was found, where its edge arrives."""
    if target.x <= source.x:
        return []
    x, y = target.x - WIDTH / 2 - 3, target.y - 2
    return [f'<text class="action" x="{x:.0f}" y="{y:.0f}">{html.escape(edge.action)}</text>']


def _texts(node: GraphNode) -> tuple[str, str]:
    """The value, and the place in the order."""
    return "?" if node.value is None else number(node.value), "" if node.order is None else f"#{node.order}"
