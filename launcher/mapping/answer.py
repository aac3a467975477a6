"""A mapping task as a person gives it, and its answer as a person gets it: in the terminal and as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.shipped_data import DATASETS
from rllib_envs.streaming_engine.device import DEFAULT_PIPELINE_DEPTH, Device, parse_topology
from rllib_envs.streaming_engine.drawing import dot_text, draw_mapping
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.graph_json import MAX_BYTES, read_graph
from rllib_envs.streaming_engine.mapping_json import save_mapping
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.solved import Disagreement, Solved
from rllib_envs.streaming_engine.task import PROBLEM, Task
from rllib_envs.suite import read_benchmark

FORMATS = (".json", ".png", ".svg", ".pdf", ".dot")


def read_task(path: Path, topology: Sequence[int], pipeline_depth: int = 0, rules: Rules | None = None) -> Task:
    """The task of a graph file, or of a benchmark file, whose own device and rules count where none are given.

    `pipeline_depth` 0 is the benchmark's own, or the default. UserError for what can't be read or doesn't fit.
    """
    if not path.is_file():
        shipped = {found.stem: found for found in DATASETS.glob(f"{PROBLEM}*/*.json")}
        path = shipped.get(str(path), path)
    device = parse_topology([str(number) for number in topology]) if topology else None
    if _is_benchmark(path):
        benchmark = read_benchmark(path)
        if benchmark.problem != PROBLEM:
            raise UserError(f"benchmark file {path} is of problem {benchmark.problem!r}, not {PROBLEM!r}")
        task = Task.from_benchmark(benchmark)
        graph, device, rules = task.graph, device or task.device, rules or task.rules
        depth = pipeline_depth or task.device.pipeline_depth
    else:
        graph, device, rules = read_graph(path), device or Device(), rules or Rules()
        depth = pipeline_depth or DEFAULT_PIPELINE_DEPTH
    return Task(graph, replace(device, pipeline_depth=depth), rules)


def _is_benchmark(path: Path) -> bool:
    """Whether it has a benchmark's keys. What can't be read is left to the reader of graphs, which says why."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return False
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(content, dict) and {"problem", "spec"} <= content.keys()


def show_answer(task: Task, solved: Solved) -> None:
    """Print what was found. Disagreement if the scalar evaluator finds another time than the solver says."""
    if solved.mapping is None:
        _show_none(solved)
        return
    outcome = evaluate(task, solved.mapping)
    if outcome.makespan is None or outcome.makespan != solved.makespan:
        raise Disagreement(f"{solved.makespan} cycles were found, and the judge says {outcome}; please report this")
    gap = f"a gap of {outcome.makespan / solved.lower_bound - 1:.0%}"
    proof = "proven optimal" if solved.proven else f"no mapping takes fewer than {solved.lower_bound}, {gap}"
    print(f"verified: {outcome.makespan} cycles; {proof}")


def _show_none(solved: Solved) -> None:
    if not solved.infeasible:
        print(
            f"no mapping was found in {solved.seconds:.1f} s, and no proof that there is none; give it more --seconds"
        )
        return
    print("infeasible: no mapping obeys all rules")
    for conflict in solved.conflicts:
        sure = "" if conflict.minimal else " (perhaps with fewer of them)"
        print(f"  {' + '.join(conflict.rules)}{sure}: {conflict.text}")


def check_output(path: Path | None) -> None:
    """UserError for a file that no mapping is written as."""
    if path is not None:
        choose(path.suffix, FORMATS, "ending of a mapping's file")


def write_answer(path: Path, task: Task, solved: Solved) -> None:
    """The mapping as JSON, as a picture of what runs when and where, or as text for Graphviz, by the path's ending."""
    if solved.mapping is None:
        print(f"{path} is not written: there is no mapping")
        return
    try:
        if path.suffix == ".json":
            save_mapping(path, task, solved.mapping)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".dot":
                path.write_text(dot_text(task, solved.mapping), encoding="utf-8")
            else:
                draw_mapping(path, task, solved.mapping)
    except OSError as error:
        raise UserError(f"the mapping can't be written to {path}: {error.strerror or error}") from None
    print(f"mapping: {path}")
