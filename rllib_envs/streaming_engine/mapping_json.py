"""Mappings as JSON files: for each tile what each of its spokes runs, and when each node starts and is ready.

{"makespan": 10, "unit": "cycles", "device": {...}, "rules": {...}, "num_tiles": 16, "num_spokes": [6, ...],
 "mappings": [{"tile_id": 0, "spoke_map": ["mul", "", "", "add", "", ""]}, ...],
 "times": [{"node": "mul", "tile": 0, "spoke": 0, "start": 0, "ready": 3}, ...]}
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.evaluate import Outcome, evaluate
from rllib_envs.streaming_engine.mapping import UNPLACED, BadMapping, Mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import Task

MAX_BYTES = 20_000_000
"""Several times a mapping of the most nodes on the largest device."""


def mapping_to_spec(task: Task, mapping: Mapping) -> dict[str, Any]:
    """The mapping as plain JSON values. BadMapping if it is not valid: such a one is of no use to anybody."""
    outcome = _valid(task, mapping)
    spokes = [["" for _ in range(task.device.spokes)] for _ in range(task.device.tiles)]
    for node, (tile, spoke) in enumerate(zip(mapping.tiles, mapping.spokes, strict=True)):
        spokes[tile][spoke] = task.graph.nodes[node].name
    return {
        "makespan": outcome.makespan,
        "unit": "cycles",
        "device": task.device.to_spec(),
        "rules": task.rules.to_spec(),
        "num_tiles": task.device.tiles,
        "num_spokes": [task.device.spokes] * task.device.tiles,
        "mappings": [{"tile_id": tile, "spoke_map": names} for tile, names in enumerate(spokes)],
        "times": [
            {
                "node": node.name,
                "tile": mapping.tiles[index],
                "spoke": mapping.spokes[index],
                "start": outcome.starts[index],
                "ready": outcome.readies[index],
            }
            for index, node in enumerate(task.graph.nodes)
        ],
    }


def save_mapping(path: Path, task: Task, mapping: Mapping) -> None:
    """Write the mapping; the folder is made where there is none."""
    text = json.dumps(mapping_to_spec(task, mapping), indent=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def load_mapping(path: Path, task: Task) -> Mapping:
    """Read a mapping of this task. BadMapping if it is of another, not valid, or says times that are not its own."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadMapping(f"mapping file {path} is larger than {MAX_BYTES:,} bytes")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadMapping(f"mapping file {path} can't be read: {error}") from None
    try:
        return mapping_from_spec(task, content)
    except BadMapping as error:
        raise BadMapping(f"mapping file {path}: {error}") from None


def mapping_from_spec(task: Task, content: Any) -> Mapping:
    """What `mapping_to_spec` wrote, judged anew."""
    index = {node.name: place for place, node in enumerate(task.graph.nodes)}
    tiles, spokes = [UNPLACED] * len(index), [UNPLACED] * len(index)
    try:
        if Device.from_spec(content["device"]) != task.device or Rules.from_spec(content["rules"]) != task.rules:
            raise BadMapping("the mapping is for another device or under other rules")
        for entry in content["mappings"]:
            for spoke, name in enumerate(entry["spoke_map"]):
                if name:
                    tiles[index[name]], spokes[index[name]] = entry["tile_id"], spoke
        said = content["makespan"], [(time["start"], time["ready"]) for time in content["times"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise BadMapping(f"this is no mapping of this graph: {type(error).__name__} {error}") from None
    if not all(type(tile) is int for tile in tiles):
        raise BadMapping("a tile_id is no whole number")
    mapping = Mapping(tuple(tiles), tuple(spokes))
    outcome = _valid(task, mapping)
    if said != (outcome.makespan, list(zip(outcome.starts, outcome.readies, strict=True))):
        raise BadMapping(f"the mapping says {said[0]} cycles; it takes {outcome.makespan}, or its times are others")
    return mapping


def _valid(task: Task, mapping: Mapping) -> Outcome:
    outcome = evaluate(task, mapping)
    if not outcome.valid:
        raise BadMapping(f"the mapping is not valid: {outcome.violations[0].text}")
    return outcome
