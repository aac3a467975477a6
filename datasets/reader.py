"""Show a benchmark, and what a row of actions does to it.

    python datasets/reader.py --bench=datasets/mm64_128_16_range/mm64_64_64.json --actions='down,swap_down,split_16'

Prints the state with the objective before and after each action, and why an action was not possible.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import tyro

from launcher.usage import one_line_usage
from rllib_envs.errors import IllegalAction, UserError, one_line_errors
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark, Evaluation
from rllib_envs.registry import make_problem
from rllib_envs.suite import read_benchmark


@dataclass(frozen=True)
class Arguments:
    """Show a benchmark, and what a row of actions does to it."""

    bench: Path
    """Benchmark file: ours (JSON), or a loop nest as loop_tool serialises it."""
    actions: str = ""
    """Actions to take, as down,swap_down,split_16 or as a JSON list."""
    observations: str = ""
    """Loop nests only: print these observations of the last state, for example loops_tensor,stride_tensor, or all."""
    debug: bool = False
    """Show the traceback of an error."""


def read_any_benchmark(path: Path) -> Benchmark:
    """Read our own format, or loop_tool's text, which starts with a variable line `v:...`."""
    if path.is_file() and path.read_bytes()[:2] == b"v:":
        return Benchmark(path.stem, "loop_nest", {"ir": path.read_text()})
    return read_benchmark(path)


def parse_actions(text: str) -> list[str]:
    """Action names from a comma-separated text or a JSON list."""
    if text.strip().startswith("["):
        try:
            names = json.loads(text.replace("'", '"'))
        except ValueError:
            raise UserError(f"--actions {text!r} is not a list; write down,swap_down,split_16") from None
        if not all(isinstance(name, str) for name in names):
            raise UserError(f"--actions {text!r} must list names of actions")
        return names
    return [name.strip() for name in text.split(",") if name.strip()]


def line(what: str, evaluation: Evaluation, before: Evaluation | None = None) -> str:
    if not evaluation.verified:
        return f"{what}: does not count: {evaluation.error}"
    change = f", {evaluation.speedup_over(before):.2f}x" if before is not None and before.verified else ""
    return f"{what}: {evaluation.value:.2f} {evaluation.unit}{change}"


def main() -> None:
    with one_line_usage(Arguments):
        arguments = tyro.cli(Arguments, description=__doc__)
    with one_line_errors(arguments.debug):
        show(arguments)


def show(arguments: Arguments) -> None:
    benchmark = read_any_benchmark(arguments.bench)
    loop_nest = benchmark.problem == "loop_nest"
    problem = make_problem(benchmark.problem, {"actions": "full"} if loop_nest else None)
    names = parse_actions(arguments.actions)
    actions = [problem.actions.index(choose(name, problem.actions, "action")) for name in names]
    wanted = [name.strip() for name in arguments.observations.split(",") if name.strip()]
    if wanted and not loop_nest:
        raise UserError(f"--observations are for loop nests; {benchmark.name} is of problem {benchmark.problem}")
    if loop_nest:
        from rllib_envs.loop_nest.observations import OBSERVATIONS, observation

        wanted = (
            list(OBSERVATIONS) if wanted == ["all"] else [choose(name, OBSERVATIONS, "observation") for name in wanted]
        )
    try:
        state = problem.initial(benchmark)
        evaluate = EvaluationCache(problem)
        before = evaluate(state)
        print(f"{benchmark.name}\n{problem.describe(state)}\n{line('untuned', before)}")
        history: list[int] = []
        for name, action in zip(names, actions, strict=True):
            try:
                state = problem.apply(state, action)
            except IllegalAction as refused:
                print(f"\nnot possible: {refused}")
                continue
            history.append(action)
            after = evaluate(state)
            print(f"\n{problem.describe(state)}\n{line(name, after, before)}")
            before = after
        for name in wanted:
            print(f"\n{name}:\n{observation(problem, name, state, history)}")
    finally:
        problem.close()


if __name__ == "__main__":
    main()
