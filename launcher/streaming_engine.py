"""Map a compute graph on a streaming engine: by random search, CMA-ES, or a policy that learns it.

python launcher/streaming_engine.py --mode 2 --input graph.json --device_topology 16 6
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from eval.policy_mapping import solve as solve_by_policy
from launcher.folders import find_policy, runs_folder
from launcher.mapping.answer import show_answer, write_answer
from launcher.mapping.graphs import graphs_of, to_answer
from launcher.mapping.options import CMA_ES, MODES, RANDOM, MappingOptions
from launcher.mapping.training import train
from launcher.program import carry_out
from launcher.tracking.event_files import EventFiles
from launcher.usage import one_line_usage
from models.policy import Policy
from models.store.run_directory import RunDirectory
from rllib_envs.errors import MissingPackage
from rllib_envs.problem import Benchmark
from rllib_envs.streaming_engine import annealing, evolution, exact, random_search
from rllib_envs.streaming_engine.drawing import dot_text
from rllib_envs.streaming_engine.solved import Solved
from rllib_envs.streaming_engine.task import PROBLEM, Task

SEARCH_OF_MODE = {RANDOM: random_search.solve, CMA_ES: evolution.solve}
PROOF_SECONDS = 30.0
"""For CP-SAT to say which rules forbid every mapping, where none is found."""
LOOK_SECONDS = 1.0
"""For a first mapping, before a policy learns anything."""
LONGEST = 24 * 3600.0
"""Seconds of a search that is limited by its mappings."""


def run_streaming_engine(options: MappingOptions) -> None:
    options.check()
    graphs = graphs_of(options)
    runs = options.runs or runs_folder()
    label = f"{PROBLEM}-mode{options.mode}-{to_answer(graphs, options)[-1].name}"
    print(f"mode {options.mode}, {MODES[options.mode]}: {', '.join(one.name for one in to_answer(graphs, options))}")
    if options.debug:
        for benchmark in to_answer(graphs, options):
            print(dot_text(Task.from_benchmark(benchmark)))
    if not options.learns:
        _search(options, graphs, runs, label)
        return
    feasible = [benchmark for benchmark in graphs if not _forbidden(benchmark, options.seed)]
    if not feasible:
        return
    policy, folder = _policy(options, feasible, runs, label)
    answered = to_answer(feasible, options)
    for benchmark in answered:
        task = Task.from_benchmark(benchmark)
        seconds = options.seconds / len(answered)
        _answer(benchmark, solve_by_policy(policy, task, seconds, np.random.default_rng(options.seed)), folder)


def _policy(options: MappingOptions, graphs: list[Benchmark], runs: Path, label: str) -> tuple[Policy, Path]:
    """The policy, and the folder for its answers."""
    if options.model and not options.epochs:
        path, policy = find_policy(options.model, PROBLEM)
        return policy, path if path.is_dir() else path.parent
    if options.model:
        find_policy(options.model, PROBLEM)  # refuses what is none, before anything is made
    trained = train(options, graphs, runs, label)
    return trained.policy, trained.run.path


def _search(options: MappingOptions, graphs: list[Benchmark], runs: Path, label: str) -> None:
    """Modes 0 and 1: so many mappings for each graph, in a run with its curves."""
    run = RunDirectory.create(runs, label, {"config": _plain(options), "seed": options.seed})
    print(f"run directory: {run.path}")
    for benchmark in to_answer(graphs, options):
        task, rng = Task.from_benchmark(benchmark), np.random.default_rng(options.seed)
        solved = SEARCH_OF_MODE[options.mode](task, LONGEST, rng, mappings=options.epochs)
        print(f"{solved.evaluations:,} mappings in {solved.seconds:.1f} s")
        _log(run, benchmark.name, solved)
        _answer(benchmark, solved if solved.mapping or solved.proven else _proof(task, solved, options.seed), run.path)


def _log(run: RunDirectory, name: str, solved: Solved) -> None:
    """Each improvement, for TensorBoard and in `metrics.jsonl`."""
    events = EventFiles(run.path, 0)
    for number, (seconds, makespan) in enumerate(solved.curve, 1):
        row: dict[str, Any] = {"iteration": number, "seconds": seconds, "figures": {f"makespan/{name}": makespan}}
        run.log(row)
        events.log(row)
    events.close()


def _forbidden(benchmark: Benchmark, seed: int) -> bool:
    """Whether no mapping is possible; the answer is then printed."""
    task = Task.from_benchmark(benchmark)
    found = annealing.solve(task, LOOK_SECONDS, np.random.default_rng(seed), mappings=annealing.CHAINS)
    if found.mapping is None and not found.proven:
        found = _proof(task, found, seed)
    if not found.infeasible:
        return False
    print(f"{benchmark.name}:")
    show_answer(task, found)
    return True


def _proof(task: Task, solved: Solved, seed: int) -> Solved:
    """The answer of CP-SAT where nothing was found; what there was without OR-Tools."""
    try:
        return exact.solve(task, PROOF_SECONDS, np.random.default_rng(seed))
    except MissingPackage as error:
        print(f"{error}; without it, nothing can be proven")
        return solved


def _answer(benchmark: Benchmark, solved: Solved, folder: Path) -> None:
    task = Task.from_benchmark(benchmark)
    print(f"{benchmark.name}:")
    show_answer(task, solved)
    if solved.mapping is not None:
        write_answer(folder / "mappings" / f"mapping_{benchmark.name}.json", task, solved)


def _plain(options: MappingOptions) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()}


def main(arguments: list[str] | None = None) -> None:
    with one_line_usage(MappingOptions):
        options = tyro.cli(
            MappingOptions,
            prog="streaming_engine.py",
            description=__doc__,
            args=arguments,
            config=(tyro.conf.FlagCreatePairsOff,),
        )
    carry_out(run_streaming_engine, options)


if __name__ == "__main__":
    main()
