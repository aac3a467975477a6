"""Random graphs, seeded, whose tile-memory groups matter: variables that several nodes share, on feasible tasks.

Two kinds. `layered`: layers of a few nodes, each of which reads from the layer before and perhaps from an earlier one.
`gn`: a growing network (Krapivsky and Redner 2001, by networkx) whose edges run to older nodes, with one root that
feeds all sources, as in the experiments of arXiv 2205.13675.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.streaming_engine.choosers import earliest, sampled
from rllib_envs.streaming_engine.decoder import decode
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.graph import MAX_NODES, ComputeGraph, Node
from rllib_envs.streaming_engine.look_ahead import make_plan
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import DoesNotFit, Task

WIDTHS = (2.0, 4.0)
"""Nodes a layer on average, drawn for each graph."""
MAX_FAN_IN = 3
MAX_FAN_OUT = 5
"""Siblings need a tile each."""
NODES_A_GROUP = 7
"""One tile-memory group for so many nodes; the FFT programs have one for four to five."""
MAX_GROUP = 3
MAX_DRAWS = 100
"""Graphs drawn before giving up on a device that nearly all of them are infeasible on."""
TRIES = (16, 496)
"""Mappings tried on each: few are enough for most."""
TEMPERATURE = 2.0
"""Of those mappings, in cycles: near list scheduling, but not so near that all run into the same dead end."""
MAX_COUNT = 100_000

Edges = list[tuple[int, int]]


def layered_graph(nodes: int, rng: np.random.Generator) -> ComputeGraph:
    """A random graph in layers; each node that is not in the first has a predecessor in the layer before, or more."""
    depth = max(2, round(nodes / rng.uniform(*WIDTHS)))
    layers = np.sort(np.concatenate([np.arange(depth), rng.integers(depth, size=nodes - depth)]))
    edges: Edges = []
    fan_out = np.zeros(nodes, int)
    for node in range(nodes):
        near = np.flatnonzero(layers == layers[node] - 1)
        if not len(near):
            continue
        free = near[fan_out[near] < MAX_FAN_OUT]
        chosen = {int(rng.choice(free if len(free) else near))}
        earlier = np.flatnonzero((layers < layers[node]) & (fan_out < MAX_FAN_OUT))
        more = rng.choice(earlier, min(len(earlier), int(rng.integers(MAX_FAN_IN))), replace=False)
        chosen.update(int(one) for one in more)
        edges.extend((source, node) for source in chosen)
        fan_out[list(chosen)] += 1
    return _graph(nodes, edges, rng)


def gn_graph(nodes: int, rng: np.random.Generator) -> ComputeGraph:
    """A growing network with one root."""
    import networkx

    tree = networkx.gn_graph(nodes, seed=int(rng.integers(2**31)))
    sources = [node for node in tree if tree.in_degree(node) == 0]
    edges = [*tree.edges, *((sources[0], other) for other in sources[1:])]
    return _graph(nodes, edges, rng)


KINDS: Mapping[str, Callable[[int, np.random.Generator], ComputeGraph]] = {"layered": layered_graph, "gn": gn_graph}


def _graph(nodes: int, edges: Edges, rng: np.random.Generator) -> ComputeGraph:
    """Give flows and tile memory to a bare graph. No two nodes that must be apart share a variable."""
    bare = ComputeGraph(tuple(Node(f"n{node}") for node in range(nodes)), tuple(edges))
    apart = Task(bare, Device(1, nodes, 1)).apart  # every rule on
    free = list(rng.permutation(nodes).tolist())
    memories: list[tuple[str, ...]] = [()] * nodes
    for number in range(max(1, nodes // NODES_A_GROUP)):
        size = int(rng.integers(2, MAX_GROUP + 1))
        group: list[int] = []
        for node in free:
            if len(group) < size and all(node not in apart[member] for member in group):
                group.append(node)
        if len(group) < 2:
            break
        for node in group:
            free.remove(node)
            memories[node] = (f"m{number}",)
    flows = _components(bare)
    return ComputeGraph(
        tuple(Node(f"n{node}", flow=flows[node], memories=memories[node]) for node in range(nodes)), bare.edges
    )


def _components(graph: ComputeGraph) -> list[int]:
    """For each node the number of its connected part, which is its data flow."""
    part = list(range(len(graph)))
    for source, target in graph.edges:
        joined, other = part[source], part[target]
        part = [joined if one == other else one for one in part]
    numbers = {one: number for number, one in enumerate(dict.fromkeys(part))}
    return [numbers[one] for one in part]


def feasible_task(kind: str, nodes: int, device: Device, rules: Rules, rng: np.random.Generator) -> Task:
    """A task of a random graph for which a valid mapping was found. UserError if that takes too many draws."""
    if not 2 <= nodes <= MAX_NODES:
        raise UserError(f"{nodes} nodes in a graph are not possible; ask for 2 to {MAX_NODES}")
    if nodes > device.slices:
        raise DoesNotFit(f"{nodes} nodes don't fit the device's {device.slices} slices; take a larger device")
    for _ in range(MAX_DRAWS):
        graph = KINDS[kind](nodes, rng)
        try:
            task = Task(graph, device, rules)
        except DoesNotFit:
            continue
        if make_plan(task).hopeless:
            continue
        chosen = sampled(earliest, TEMPERATURE, rng)
        if any(decode(task, tries, chosen, look_ahead=True).complete.any() for tries in TRIES):
            return task
    raise UserError(
        f"no valid mapping was found for any of {MAX_DRAWS} {kind} graphs of {nodes} nodes on {device.tiles} tiles "
        f"of {device.spokes} spokes; take a larger device or fewer nodes"
    )


def random_suite(
    kind: str, sizes: list[int], count: int, device: Device, rules: Rules | None = None, seed: int = 0
) -> list[Benchmark]:
    """`count` feasible tasks of each size. Each depends on the seed, its size and its number alone."""
    if count < 1 or count * len(sizes) > MAX_COUNT:
        raise UserError(f"{count} graphs of each of {len(sizes)} sizes; ask for 1 to {MAX_COUNT:,} in all")
    return [
        feasible_task(kind, size, device, rules or Rules(), np.random.default_rng([seed, size, number])).to_benchmark(
            f"{kind}{size}_{number:0{len(str(count - 1))}}"
        )
        for size in sizes
        for number in range(count)
    ]
