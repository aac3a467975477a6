"""A placement as text for people."""

from __future__ import annotations

from rllib_envs.streaming_engine.mapping import UNPLACED
from rllib_envs.streaming_engine.partial import PartialMapping
from rllib_envs.streaming_engine.placement import Placement
from rllib_envs.streaming_engine.traits import make_traits


def describe(placement: Placement, completed: PartialMapping) -> str:
    """Each tile with what its spokes run and from which cycle on; what list scheduling has added is in parentheses."""
    task, nodes = placement.task, placement.task.graph.nodes
    placed, total = len(placement.tiles), len(nodes)
    if completed.finished:
        makespan = max(completed.starts) + task.device.pipeline_depth
        head = (
            f"{placed} of {total} nodes placed; {makespan} cycles in all, and no fewer than {make_traits(task).bound}"
        )
    else:
        head = f"{placed} of {total} nodes placed; no slice is left for {nodes[completed.node].name!r}"
    own = set(task.graph.order[:placed])
    lines: dict[int, dict[int, str]] = {}
    for node, (tile, start) in enumerate(zip(completed.tiles, completed.starts, strict=True)):
        if tile != UNPLACED:
            text = f"{nodes[node].name}@{start}"
            lines.setdefault(tile, {})[start % task.device.spokes] = text if node in own else f"({text})"
    rows = (
        f"tile {tile:>3}: {'  '.join(lines[tile].get(spoke, '-') for spoke in range(task.device.spokes))}"
        for tile in sorted(lines)
    )
    return "\n".join((head, *rows))
