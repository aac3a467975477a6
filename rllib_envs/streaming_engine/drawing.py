"""Mappings and graphs as pictures: a Gantt chart beside the slices that are taken, and text for Graphviz."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

from rllib_envs.errors import MissingPackage
from rllib_envs.streaming_engine.evaluate import evaluate, hops
from rllib_envs.streaming_engine.mapping import Mapping
from rllib_envs.streaming_engine.task import Task

INCHES_A_TILE = 0.38
MOST_INCHES = 40.0
"""Higher pictures than this are cramped rather than larger."""


def draw_mapping(path: Path, task: Task, mapping: Mapping, title: str = "") -> None:
    """Write a picture (PNG, SVG or PDF by the path's ending): time on each tile in use, and what each slice runs."""
    try:
        from matplotlib import colormaps
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch
    except ImportError:
        raise MissingPackage("pictures need matplotlib; pip install 'tunewright[eval]'") from None
    outcome = evaluate(task, mapping)
    device, depth = task.device, task.device.pipeline_depth
    used = sorted({tile for tile in mapping.tiles if tile >= 0})
    row = {tile: place for place, tile in enumerate(used)}
    figure = Figure(figsize=(14, min(2 + INCHES_A_TILE * 2 * len(used), MOST_INCHES)), layout="constrained")
    gantt, slices = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    palette = colormaps["tab10"]
    for node, start in enumerate(outcome.starts):
        tile, spoke = mapping.tiles[node], mapping.spokes[node]
        if tile < 0:
            continue
        color, name = palette(task.graph.nodes[node].flow % 10), task.graph.nodes[node].name
        slices.barh(row[tile], 1, left=spoke, height=0.8, color=color, alpha=0.75, edgecolor="white")
        slices.text(spoke + 0.5, row[tile], name, ha="center", va="center", fontsize=7)
        if start is None:
            continue
        # A pipeline takes instructions that overlap; each spoke has its own lane, so that all of them are seen.
        lane = row[tile] + 0.8 * ((spoke + 0.5) / device.spokes - 0.5)
        height = 0.8 / device.spokes
        gantt.barh(lane, depth, left=start, height=height, color=color, edgecolor="white", linewidth=0.5)
        gantt.text(start + depth / 2, lane, name, ha="center", va="center", fontsize=6)
    gantt.set_yticks(range(len(used)), [f"tile {tile}" for tile in used])
    gantt.invert_yaxis()
    gantt.set_xlabel("cycle")
    gantt.set_axisbelow(True)
    gantt.xaxis.get_major_locator().set_params(integer=True)
    gantt.grid(axis="x", alpha=0.3)
    for axes in (gantt, slices):
        for place in range(1, len(used)):
            axes.axhline(place - 0.5, color="0.8", linewidth=0.6)
    flows = sorted({task.graph.nodes[node].flow for node, tile in enumerate(mapping.tiles) if tile >= 0})
    keys = [Patch(color=palette(flow % 10), label=f"flow {flow}") for flow in flows]
    figure.legend(handles=keys, loc="outside lower center", ncols=min(len(keys), 10), frameon=False)
    slices.set_xlabel("spoke")
    slices.set_xlim(0, device.spokes)
    slices.set_xticks([spoke + 0.5 for spoke in range(device.spokes)], [str(spoke) for spoke in range(device.spokes)])
    told = f"{outcome.makespan} cycles" if outcome.valid else "not valid: " + ", ".join(sorted(outcome.broken))
    figure.suptitle(f"{title}: {told}" if title else told)
    figure.savefig(path, dpi=110)


def dot_text(task: Task, mapping: Mapping | None = None) -> str:
    """The graph in Graphviz' language: a box a data flow, dashed lines between nodes that share tile memory.

    With a mapping, nodes show their slices and cycles, and edges the hops that they take.
    """
    outcome = evaluate(task, mapping) if mapping is not None else None
    lines = ["digraph {", "  rankdir=TB;", "  node [shape=box, style=rounded];"]
    for flow in sorted({node.flow for node in task.graph.nodes}):
        lines += [f"  subgraph cluster_{flow} {{", f"    label={_quoted(f'flow {flow}')};"]
        for index, node in enumerate(task.graph.nodes):
            if node.flow != flow:
                continue
            parts = [node.name] + ([node.operation] if node.operation else [])
            if mapping is not None and outcome is not None and mapping.placed(index):
                parts.append(f"tile {mapping.tiles[index]}, spoke {mapping.spokes[index]}")
                parts.append(f"cycles {outcome.starts[index]} to {outcome.readies[index]}")
            lines.append(f"    {index} [label={_quoted(*parts)}];")
        lines.append("  }")
    for source, target in task.graph.edges:
        label = ""
        if mapping is not None and mapping.placed(source) and mapping.placed(target):
            label = f" [label={_quoted(str(hops(task, mapping.tiles[source], mapping.tiles[target])))}]"
        lines.append(f"  {source} -> {target}{label};")
    for name, users in task.graph.memory_users.items():
        for one, other in combinations(users, 2):
            style = "style=dashed, dir=none, constraint=false"
            lines.append(f"  {one} -> {other} [{style}, label={_quoted(name)}];")
    return "\n".join([*lines, "}"]) + "\n"


def _quoted(*lines: str) -> str:
    r"""A Graphviz string of several lines; `\n` between them is Graphviz' own escape."""
    return '"' + r"\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'
