"""`tunewright tune`: tune one task by a policy, or by a search where there is none, and show how, step by step."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from launcher.mapping.answer import read_task
from launcher.tuning.mapping import run_tune_mapping
from launcher.tuning.task import tune_task
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.task import PROBLEM as KERNELS
from rllib_envs.loop_nest.export import check_export
from rllib_envs.loop_nest.kinds import KINDS, benchmark_name
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark
from rllib_envs.registry import PROBLEMS
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import PROBLEM
from rllib_envs.suite import read_benchmark

GRAPH_SECONDS = 10.0
"""For mapping a graph, unless --seconds says else."""
UNITS = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class TuneConfig:
    """Tune one task with a policy, or by a search where there is none, and print the steps and the speed reached. What
    is slower than untuned when both are measured again is not the answer."""

    task: Annotated[str, tyro.conf.Positional]
    """Kind of loop nest, such as mm, or the path of a benchmark file; or a problem, such as streaming_engine."""
    sizes: Annotated[str, tyro.conf.Positional] = ""
    """Sizes for a kind, such as 200x144x96; for mm they are m, n and k. For streaming_engine the graph's file, for
    another problem the benchmark's."""
    policy: Path | None = None
    """Policy folder or run directory. Not given: the newest run here, or else the policy that is shipped."""
    backend: str = ""
    """Loop nests: what compiles them (avx512, avx2 or llvm). Empty: the first of these that works here."""
    emit: Path | None = None
    """Loop nests: write the tuned kernel as .so, .o, .s or .ll, with a C header where it can be called from C.
    Streaming engine: the mapping as .json, .png, .svg, .pdf or .dot. Kernels: add the best to the tuning records of TVM
    in this folder."""
    topology: tuple[int, ...] = ()
    """Streaming engine: tiles and spokes, or rows, columns and spokes. Not given: the benchmark's own, or 16 6."""
    without: tuple[Literal["tile_memory", "sync_flow", "sibling"], ...] = ()
    """Streaming engine: rules that need not hold."""
    seconds: Annotated[str, tyro.conf.arg(aliases=("--budget",))] = ""
    """Time to search, such as 5, 5s or 2min. A policy, which else only decides, guides that search, or begins it where
    GA-DQN tunes a kernel. Not given: 10 seconds where there is no policy. Streaming engine: for the search and the
    proof, 10 seconds; both end as soon as nothing can be better."""
    debug: bool = False
    """Show the traceback of an error."""


def parse_task(task: str, sizes: str) -> Benchmark:
    """A benchmark from a file's path, or from a kind and its sizes."""
    if task in PROBLEMS:
        if not sizes:
            raise UserError(f"{task} needs a benchmark file; write: tunewright tune {task} benchmark.json")
        return _of_problem(task, Path(sizes))
    if not sizes and ("/" in task or task.endswith(".json")):
        return read_benchmark(Path(task))
    names = KINDS[choose(task, KINDS, "kind of loop nest")].size_names
    numbers = re.split("[x,_]", sizes) if sizes else []
    if len(numbers) != len(names) or not all(number.isdecimal() for number in numbers):
        example = "x".join(["64"] * len(names))
        raise UserError(f"{task} needs {len(names)} sizes ({', '.join(names)}) such as {example}, got {sizes!r}")
    by_name = dict(zip(names, map(int, numbers), strict=True))
    return Benchmark(benchmark_name(task, by_name), "loop_nest", {"kind": task, "sizes": by_name})


def parse_seconds(text: str) -> float:
    """From `5`, `5s`, `2min` or `1h`. UserError for what is no time, and for none at all."""
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+) *([a-z]*)", text.strip())
    if match is None or match[2] not in UNITS:
        raise UserError(f"--seconds {text!r} is no time; write 5, 5s or 2min")
    seconds = float(match[1]) * UNITS[match[2]]
    if not seconds > 0:
        raise UserError(f"--seconds is {text}; give more than 0")
    return seconds


def _of_problem(problem: str, path: Path) -> Benchmark:
    benchmark = read_benchmark(path)
    if benchmark.problem != problem:
        raise UserError(f"{path} is a benchmark of problem {benchmark.problem!r}, not of {problem!r}")
    return benchmark


def run_tune(config: TuneConfig) -> None:
    if config.task == PROBLEM:
        _tune_graph(config, Path(config.sizes))
        return
    benchmark = parse_task(config.task, config.sizes)
    if benchmark.problem == PROBLEM:
        _tune_graph(config, Path(config.task))
        return
    if config.topology or config.without:
        raise UserError(f"--topology and --without are of {PROBLEM}; {config.task} is no graph for it")
    if config.emit:
        check_emit(benchmark, config.emit)
    seconds = parse_seconds(config.seconds) if config.seconds else None
    if benchmark.problem == KERNELS:
        from launcher.tuning.kernel import run_tune_kernel  # brings PyTorch

        run_tune_kernel(benchmark, config.policy, seconds, config.emit)
        return
    tune_task(benchmark, config.policy, seconds, config.backend, config.emit)


def check_emit(benchmark: Benchmark, path: Path) -> None:
    """UserError where the answer can't be written there."""
    if benchmark.problem == "loop_nest":
        check_export(path)
    elif benchmark.problem != KERNELS:
        raise UserError(
            f"--emit writes loop nests, mappings and kernels; {benchmark.name} is of problem {benchmark.problem!r}"
        )
    elif path.exists() and not path.is_dir():
        raise UserError(f"--emit {path} is a file; TVM's tuning records need a folder, which may be new")


def _tune_graph(config: TuneConfig, path: Path) -> None:
    if not path.name:
        raise UserError(f"{PROBLEM} needs a graph; write: tunewright tune {PROBLEM} graph.json --topology 16 6")
    rules = replace(Rules(), **dict.fromkeys(config.without, False)) if config.without else None
    task = read_task(path, config.topology, rules=rules)
    seconds = parse_seconds(config.seconds) if config.seconds else GRAPH_SECONDS
    run_tune_mapping(path.stem, task, config.policy, seconds, config.emit)
