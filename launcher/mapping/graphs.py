"""The graphs that `launcher/streaming_engine.py` maps, and for a policy those that it learns from, as suites."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from launcher.mapping.answer import read_task
from launcher.mapping.options import CURRICULUM, MappingOptions
from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark
from rllib_envs.streaming_engine.device import parse_topology
from rllib_envs.streaming_engine.generate import random_suite
from rllib_envs.streaming_engine.task import PROBLEM, Task
from rllib_envs.suite import Suite

KIND = "layered"
GRAPHS = 12
"""Random graphs of each size."""
STAGES = (0.4, 0.7, 1.0)
"""Of the curriculum: the share of the graphs, from the smallest on, that each trains on; of random ones, of the nodes.
"""
ANSWERS = 3
"""The largest graphs of several are answered, so many at most."""


def graphs_of(options: MappingOptions) -> list[Benchmark]:
    """What is to be mapped, the smallest first. UserError for what can't be read or can't fit."""
    if options.mode == CURRICULUM and options.input and Path(options.input).is_dir():
        suite = Suite.load(options.input)
        if suite.problem != PROBLEM:
            raise UserError(f"{options.input} has benchmarks of problem {suite.problem!r}, not {PROBLEM!r}")
        graphs = [_moved(benchmark, options) for benchmark in suite.benchmarks]
    elif options.input and options.mode != CURRICULUM:
        task = _task(Path(options.input), options)
        return [task.to_benchmark(Path(options.input).stem)]
    else:
        device = parse_topology([str(number) for number in options.device_topology], options.pipeline_depth)
        shares = STAGES if options.mode == CURRICULUM else (1.0,)
        sizes = sorted({max(2, round(share * options.nodes)) for share in shares})
        graphs = random_suite(KIND, sizes, GRAPHS, device, options.rules, options.seed)
        if options.mode == CURRICULUM and options.input:
            graphs.append(_task(Path(options.input), options).to_benchmark(Path(options.input).stem))
    return sorted(graphs, key=nodes_of)


def _task(path: Path, options: MappingOptions) -> Task:
    return read_task(path, options.device_topology, options.pipeline_depth, options.rules)


def _moved(benchmark: Benchmark, options: MappingOptions) -> Benchmark:
    """The same graph on the device, and under the rules, that were asked for."""
    graph = Task.from_benchmark(benchmark).graph
    device = parse_topology([str(number) for number in options.device_topology], options.pipeline_depth)
    return Task(graph, device, options.rules).to_benchmark(benchmark.name)


def nodes_of(benchmark: Benchmark) -> int:
    return len(Task.from_benchmark(benchmark).graph)


def to_answer(graphs: Sequence[Benchmark], options: MappingOptions) -> list[Benchmark]:
    """The graph that was named; of several, the largest ones."""
    named = [benchmark for benchmark in graphs if benchmark.name == Path(options.input).stem] if options.input else []
    return named or list(graphs[-ANSWERS:])


def write_stages(folder: Path, graphs: Sequence[Benchmark], curriculum: bool) -> list[Path]:
    """Suites to train on one after the other: of a curriculum ever more of the graphs, from the smallest on."""
    folders = []
    for number, share in enumerate(STAGES if curriculum else (1.0,), 1):
        suite = folder / (f"stage{number}" if curriculum else "graphs")
        suite.mkdir(parents=True)
        for benchmark in graphs[: max(1, round(share * len(graphs)))]:
            (suite / f"{benchmark.name}.json").write_text(benchmark.to_json(), encoding="utf-8")
        folders.append(suite)
    return folders
