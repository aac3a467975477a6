"""`tunewright tune`: tune one task by a policy, or by a search where there is none, and show how, step by step."""

from __future__ import annotations

import re
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import tyro
from rich.console import Console
from rich.table import Table

from eval.budget import Budget
from eval.searches import SEARCHES, Search, make_search
from eval.searches.run import run_search
from eval.verification import verify
from eval.wording import number, times
from launcher.folders import policy_if_any, problem_for
from launcher.mapping_answer import read_task
from launcher.tune_mapping import run_tune_mapping
from models.policy import Policy
from rllib_envs.errors import UserError
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.kernel_tuning.problem import KernelTuning
from rllib_envs.kernel_tuning.task import PROBLEM as KERNELS
from rllib_envs.loop_nest.export import check_export, export_kernel
from rllib_envs.loop_nest.kinds import KINDS, benchmark_name
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark, Evaluation, Problem
from rllib_envs.streaming_engine.rules import Rules
from rllib_envs.streaming_engine.task import PROBLEM
from rllib_envs.suite import read_benchmark

SEARCH = "annealing"
"""Where there is no policy."""
ENOUGH_SECONDS = 60.0
"""A greedy rollout has a fixed number of steps; this only guards against candidates that run for very long."""


@dataclass(frozen=True)
class TuneConfig:
    """Tune one task with a policy, or by a search where there is none, and print the steps and the speed reached. What
    is slower than untuned when both are measured again is not the answer."""

    task: Annotated[str, tyro.conf.Positional]
    """Kind of loop nest, such as mm, or the path of a benchmark file; or streaming_engine or kernel_tuning."""
    sizes: Annotated[str, tyro.conf.Positional] = ""
    """Sizes for a kind, such as 200x144x96; for mm they are m, n and k. For streaming_engine the graph's file, for
    kernel_tuning the benchmark's."""
    policy: Path | None = None
    """Policy folder or run directory; the newest run here when not given."""
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
    seconds: float = 10.0
    """Without a policy: for the search, by annealing, or of kernels by GA-DQN. Streaming engine: for the search and the
    proof; both end as soon as nothing can be better."""
    debug: bool = False
    """Show the traceback of an error."""


def parse_task(task: str, sizes: str) -> Benchmark:
    """A benchmark from a file's path, or from a kind and its sizes."""
    if task == KERNELS:
        if not sizes:
            raise UserError(f"{KERNELS} needs a benchmark file; write: tunewright tune {KERNELS} kernel.json")
        return _kernel(Path(sizes))
    if not sizes and ("/" in task or task.endswith(".json")):
        return read_benchmark(Path(task))
    names = KINDS[choose(task, KINDS, "kind of loop nest")].size_names
    numbers = re.split("[x,_]", sizes) if sizes else []
    if len(numbers) != len(names) or not all(number.isdecimal() for number in numbers):
        example = "x".join(["64"] * len(names))
        raise UserError(f"{task} needs {len(names)} sizes ({', '.join(names)}) such as {example}, got {sizes!r}")
    by_name = dict(zip(names, map(int, numbers), strict=True))
    return Benchmark(benchmark_name(task, by_name), "loop_nest", {"kind": task, "sizes": by_name})


def _kernel(path: Path) -> Benchmark:
    benchmark = read_benchmark(path)
    if benchmark.problem != KERNELS:
        raise UserError(f"{path} is a benchmark of problem {benchmark.problem!r}, not of {KERNELS!r}")
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
    found = policy_if_any(config.policy, benchmark.problem)
    if found is None and benchmark.problem == KERNELS:
        from launcher.tune_kernel import run_tune_kernel  # brings PyTorch

        run_tune_kernel(benchmark, config.seconds, config.emit)
        return
    approach = by_search(benchmark, config) if found is None else by_policy(*found, config)
    with closing(approach.problem):
        _tune(benchmark, approach, config.emit)


class Approach(NamedTuple):
    """How a task is tuned."""

    name: str
    problem: Problem[Any]
    search: Search
    budget: Budget
    horizon: int


def by_policy(path: Path, policy: Policy, config: TuneConfig) -> Approach:
    problem = problem_for(policy.problem, policy, config.backend)
    budget = Budget(seconds=ENOUGH_SECONDS)
    return Approach(f"policy {path}", problem, make_search("policy", policy), budget, policy.horizon)


def by_search(benchmark: Benchmark, config: TuneConfig) -> Approach:
    budget = Budget(seconds=config.seconds)
    problem = problem_for(benchmark.problem, None, config.backend)
    name = f"no policy for {problem.name} here; {SEARCH}, {config.seconds:g} s"
    return Approach(name, problem, SEARCHES[SEARCH], budget, problem.horizon)


def _tune(benchmark: Benchmark, approach: Approach, path: Path | None) -> None:
    problem = approach.problem
    problem.evaluate(problem.initial(benchmark))  # starts what measuring needs; not the search's time
    print(f"{benchmark.name}, {approach.name}", flush=True)
    found = run_search(approach.search, problem, benchmark, approach.budget, horizon=approach.horizon)
    show_steps(problem, benchmark, found.best.actions)
    state = found.best.state
    print(problem.describe(state))
    verified = verify(problem, benchmark, state)
    verified.check()
    if verified.slower:
        print(f"{verified.sentence()}. So it stays untuned")
        state, verified = problem.initial(benchmark), verified.of_untuned()
    print(verified.sentence())
    if path:
        emit(problem, state, verified.answer, path)
    print(f"tuned in {found.seconds:.2f} s with {found.evaluations} measurements")


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


def emit(problem: Problem[Any], state: Any, measured: Evaluation, path: Path) -> None:
    """Write the answer, as `check_emit` has found possible."""
    if isinstance(problem, KernelTuning):
        seconds = measured.details["seconds"]
        problem.measurer.write_database(state.kernel.task, [(state.gene, seconds)], path)
        print(f"added to the tuning records of TVM in {path}")
        return
    written = export_kernel(path, state.statement, state.loops)
    print(f"kernel: {', '.join(map(str, written))}")


def _tune_graph(config: TuneConfig, path: Path) -> None:
    if not path.name:
        raise UserError(f"{PROBLEM} needs a graph; write: tunewright tune {PROBLEM} graph.json --topology 16 6")
    rules = replace(Rules(), **dict.fromkeys(config.without, False)) if config.without else None
    task = read_task(path, config.topology, rules=rules)
    run_tune_mapping(path.stem, task, config.policy, config.seconds, config.emit)


def show_steps(problem: Problem[Any], benchmark: Benchmark, actions: tuple[int, ...]) -> None:
    """Print the value before and after each action."""
    evaluate = EvaluationCache(problem)
    state = problem.initial(benchmark)
    start = evaluate(state)
    table = Table()
    for column in ("step", "action", start.unit, "over the start"):
        table.add_column(column, justify="left" if column == "action" else "right")
    table.add_row("0", "", number(start.value), "1.00x")
    for step, action in enumerate(actions, 1):
        state = problem.apply(state, action)
        now = evaluate(state)
        table.add_row(str(step), problem.actions[action], number(now.value), times(now.speedup_over(start)))
    Console().print(table)
