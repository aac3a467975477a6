"""Graphs as JSON, in two formats that are told apart by their keys.

Our own, for graphs that people write:

    {"nodes": ["load", {"name": "add", "operation": "AddF32", "flow": 1}],
     "edges": [["load", "add"]],
     "memory": {"A": ["load", "add"]}}

and the streaming engine compiler's: `Program` lists synchronous data flows (`SyncFlow`) of instructions (`SEInst`),
each with its `Successors` by place in the flow and the variables it uses (`SEInstUse`), of which those that are keys
of `TileMemories` are in tile memory. A node of it is named after its flow and its place there, as in `1.4`.

A file may come from anywhere: size, nesting and counts are limited, and what breaks a limit is a named error at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rllib_envs.streaming_engine.graph import (
    MAX_EDGES,
    MAX_NODES,
    BadGraph,
    ComputeGraph,
    DanglingSuccessor,
    DuplicateName,
    GraphTooLarge,
    Node,
)

MAX_BYTES = 1_000_000
"""Two thousand for each of the most nodes. Whatever they hold, it is read or refused in well under a second."""
MAX_NESTING = 32
"""Levels of lists and objects. The deeper of the two formats has 8."""
MAX_LISTS = 20_000
"""Lists and objects: a graph of the most nodes, edges and variables has fewer."""

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
"""A string without end reaches to the end of the text, so that no part of the text is looked at twice."""


def read_graph(path: Path) -> ComputeGraph:
    """Read a graph file of either format; BadGraph (or a subclass) names the file and what is wrong with it."""
    if not path.is_file():
        raise BadGraph(f"graph file {path} {'is no regular file' if path.exists() else 'does not exist'}")
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise GraphTooLarge(f"graph file {path} has {size:,} bytes; at most {MAX_BYTES:,} are read")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadGraph(f"graph file {path} can't be read: {error}") from None
    try:
        return parse_graph(text)
    except BadGraph as error:
        raise type(error)(f"graph file {path}: {error}") from None


def parse_graph(text: str) -> ComputeGraph:
    """The graph that a JSON text describes."""
    if len(text) > MAX_BYTES:
        raise GraphTooLarge(f"the text has {len(text):,} characters; at most {MAX_BYTES:,} are read")
    opened = depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        bracket = match.group()
        if bracket in ("[", "{"):
            opened, depth = opened + 1, depth + 1
        elif bracket in ("]", "}"):
            depth -= 1
        if depth > MAX_NESTING:
            raise GraphTooLarge(f"lists and objects are nested more than {MAX_NESTING} deep")
        if opened > MAX_LISTS:
            raise GraphTooLarge(f"there are more than {MAX_LISTS} lists and objects")
    try:
        content = json.loads(text)
    except ValueError as error:
        raise BadGraph(f"this is no JSON: {error}") from None
    return graph_from_spec(content)


def graph_from_spec(content: Any) -> ComputeGraph:
    """The graph that plain JSON values describe, in either format."""
    if isinstance(content, dict) and "Program" in content:
        return _from_program(content)
    if isinstance(content, dict) and "nodes" in content:
        return _from_lists(content)
    raise BadGraph("a graph is an object with nodes and edges, or one with Program and TileMemories")


def graph_to_spec(graph: ComputeGraph) -> dict[str, Any]:
    """The graph in our own format; `graph_from_spec` gives the same graph again."""
    memory = {name: [graph.nodes[node].name for node in users] for name, users in graph.memory_users.items()}
    return {
        "nodes": [
            {
                "name": node.name,
                **({"operation": node.operation} if node.operation else {}),
                **({"flow": node.flow} if node.flow else {}),
            }
            for node in graph.nodes
        ],
        "edges": [[graph.nodes[source].name, graph.nodes[target].name] for source, target in graph.edges],
        **({"memory": memory} if memory else {}),
    }


def _from_lists(content: Mapping[str, Any]) -> ComputeGraph:
    unknown = sorted(set(content) - {"nodes", "edges", "memory"})
    if unknown:
        raise BadGraph(f"a graph has no {unknown[0]!r}; it has nodes, edges and memory")
    listed = _list(content["nodes"], "nodes", MAX_NODES)
    nodes = [_node({"name": entry} if isinstance(entry, str) else entry, index) for index, entry in enumerate(listed)]
    index = {node.name: place for place, node in enumerate(nodes)}
    if len(index) < len(nodes):
        twice = next(node.name for place, node in enumerate(nodes) if index[node.name] != place)
        raise DuplicateName(f"two nodes are named {twice!r}; give each its own name")
    edges = []
    for edge in _list(content.get("edges", []), "edges", MAX_EDGES):
        if not isinstance(edge, list) or len(edge) != 2:
            raise BadGraph(f"edge {_short(edge)} is not a pair of names")
        edges.append((_find(edge[0], index, f"edge {_short(edge)}"), _find(edge[1], index, f"edge {_short(edge)}")))
    memories: list[list[str]] = [[] for _ in nodes]
    for name, users in _object(content.get("memory", {}), "memory").items():
        for user in _list(users, f"users of memory {_short(name)}", MAX_NODES):
            memories[_find(user, index, f"memory {_short(name)}")].append(name)
    with_memory = (
        Node(node.name, node.operation, node.flow, tuple(names)) for node, names in zip(nodes, memories, strict=True)
    )
    return ComputeGraph(tuple(with_memory), tuple(edges))


def _node(entry: Any, index: int) -> Node:
    fields = _object(entry, f"node {index}")
    name, operation, flow = fields.get("name"), fields.get("operation", ""), fields.get("flow", 0)
    if set(fields) - {"name", "operation", "flow"} or not isinstance(name, str) or not isinstance(operation, str):
        raise BadGraph(f"node {index} is {_short(entry)}; it has a name, and perhaps an operation and a flow")
    return Node(name, operation, _whole(flow, f"flow of node {name[:40]!r}"))


def _find(name: Any, index: Mapping[str, int], where: str) -> int:
    if not isinstance(name, str) or name not in index:
        raise DanglingSuccessor(f"{where} names {_short(name)}, which is none of the nodes")
    return index[name]


def _from_program(content: Mapping[str, Any]) -> ComputeGraph:
    variables = _object(content.get("TileMemories", {}), "TileMemories")
    nodes: list[Node] = []
    edges: list[tuple[int, int]] = []
    for number, flow in enumerate(_list(content["Program"], "Program", MAX_NODES)):
        instructions = _list(_object(flow, f"flow {number}").get("SyncFlow"), f"SyncFlow {number}", MAX_NODES)
        first = len(nodes)
        for place, entry in enumerate(instructions):
            name = f"{number}.{place}"
            fields = _object(_object(entry, f"instruction {name}").get("SEInst"), f"SEInst of instruction {name}")
            used = _list(fields.get("SEInstUse", []), f"SEInstUse of instruction {name}", MAX_EDGES)
            memories = [word for word in used if isinstance(word, str) and word in variables]
            operations = _list(fields.get("ops", []), f"ops of instruction {name}", MAX_EDGES)
            operation = str(operations[0])[:40] if operations else ""
            nodes.append(Node(name, operation, number, tuple(dict.fromkeys(memories))))
            for after in _list(fields.get("Successors", []), f"Successors of instruction {name}", MAX_EDGES):
                successor = _whole(after, f"a successor of instruction {name}")
                if successor >= len(instructions):
                    raise DanglingSuccessor(
                        f"instruction {name} has the successor {successor}; its flow ends at {len(instructions) - 1}"
                    )
                edges.append((len(nodes) - 1, first + successor))
        if len(nodes) > MAX_NODES:
            raise GraphTooLarge(f"the program has more than {MAX_NODES} instructions")
    return ComputeGraph(tuple(nodes), tuple(edges))


def _list(value: Any, what: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        raise BadGraph(f"{what} must be a list, got {_short(value)}")
    if len(value) > most:
        raise GraphTooLarge(f"{what}: {len(value)} entries are too many; at most {most} are possible")
    return value


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadGraph(f"{what} must be an object, got {_short(value)}")
    return value


def _whole(value: Any, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < MAX_NODES:
        raise BadGraph(f"{what} is {_short(value)}; it must be a whole number from 0 to {MAX_NODES - 1}")
    return value


def _short(value: Any) -> str:
    text = repr(value) if not isinstance(value, (dict, list)) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
