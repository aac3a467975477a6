"""`launcher/network_scaling.py search` and `toy`: the most accurate scaling that keeps the bounds."""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from eval.budget import Budget
from eval.searches import SEARCHES, Search
from eval.searches.hill_climbing import hill_climbing
from eval.searches.policy import policy_greedy
from eval.searches.reinforce import reinforce
from eval.searches.run import run_search
from eval.trial import Node, Outcome, Trial
from launcher.folders import find_policy, policy_if_any
from launcher.scaling.options import SearchOptions, ToyOptions
from models.policy import Policy
from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.names import choose
from rllib_envs.network_scaling.places import own_folder
from rllib_envs.network_scaling.problem import NetworkScaling, Scaled
from rllib_envs.network_scaling.rules import compound_places
from rllib_envs.network_scaling.surface import NetworkSurface
from rllib_envs.network_scaling.task import usage_text
from rllib_envs.problem import Benchmark, Evaluation

METHODS: dict[str, Search] = {**SEARCHES, "reinforce": reinforce}
TOY_STEPS = 200
"""From (0.7, 0.7), where it begins, the optimum is 40 steps of 0.01 away."""


class NothingTrained(TunewrightError):
    """Not a single candidate could be trained."""


class Logged(NetworkScaling):
    """Writes down every network that it is asked about, once the accuracy is known."""

    def __init__(self, log: Callable[[Scaled, Evaluation], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._log = log

    def evaluate(self, state: Scaled) -> Evaluation:
        evaluation = super().evaluate(state)
        self._log(state, evaluation)
        return evaluation


class VisitLog:
    """A line for each network that was looked at, on the screen and at the end of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._best: Evaluation | None = None

    def __call__(self, state: Scaled, evaluation: Evaluation) -> None:
        task, place = state
        scaling, usage = task.surface.grid.scaling(place), task.surface.usage(place)
        assert usage is not None
        if evaluation.better_than(self._best):
            self._best = evaluation
        row = {
            **scaling._asdict(),
            "accuracy": evaluation.value,
            **usage._asdict(),
            "error": evaluation.error,
            "best": self._best.value if self._best else None,
            "how": evaluation.how,
            "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        with self._path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        best = "" if self._best is None else f", best {self._best.value:.2f} %"
        result = evaluation.error or f"acc: {evaluation.value:.2f} %"
        memory_and_latency = f"mem: {usage.memory:.2f} MB, latency: {usage.latency:.4g} s"
        print(f"{task.surface.text(place)} {result}, {memory_and_latency}{best}", flush=True)


@contextmanager
def alone(folder: Path, number: int) -> Iterator[None]:
    """Keep the id from other searches for the time of the block. UserError where it is taken."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"search{number}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"a search with --id {number} is running in {folder}; give this one another id") from None
        yield


def benchmark_of(options: SearchOptions) -> Benchmark:
    """What is searched for, as any tool of ours takes it."""
    spec: dict[str, Any] = {
        "platform": options.platform,
        "device": options.device,
        "latency": options.latency,
        "memory": options.mem,
        "start": [options.width, options.depth, options.resolution],
    }
    spec |= {"table": options.table} if options.table else {"setting": options.setting.to_json()}
    if options.seeds is not None:
        spec["seeds"] = options.seeds
    return Benchmark(folder_name(options), NetworkScaling.name, spec)


def folder_name(options: SearchOptions) -> str:
    return f"{options.platform}_{options.device}_l{options.latency:g}_m{options.mem:g}"


def run_search_command(options: SearchOptions) -> None:
    """Search, log what is visited, and print the best. NoArchitecture where nothing keeps the bounds."""
    options.check()
    method = method_of(options)
    shared = options.shared or own_folder()
    folder, benchmark = shared / folder_name(options), benchmark_of(options)
    settings: dict[str, Any] = {
        "moves": method.moves,
        "live": options.live or not options.table,
        "folder": str(shared),
        "images": str(options.folder or ""),
        "horizon": method.steps,
    }
    start = NetworkScaling(**settings).initial(benchmark)  # refuses what makes no sense, before anything is written
    surface = start.task.surface
    assert isinstance(surface, NetworkSurface)
    if settings["live"]:
        _require_images(options, surface)
    with alone(folder, options.id):
        log = folder / f"search{options.id}.jsonl"
        print(f"latencies: {surface.latencies.about}, for a batch of {surface.latencies.batch}")
        print(f"log of every network visited: {log}")
        problem = Logged(VisitLog(log), **settings)
        seconds = None if options.minutes is None else 60 * options.minutes
        budget = Budget(seconds=seconds, evaluations=options.evaluations)
        outcome = run_search(method.search, problem, benchmark, budget, seed=options.id)
        _answer(problem, outcome, folder / f"best{options.id}.json")


def _require_images(options: SearchOptions, surface: NetworkSurface) -> None:
    """UserError where the images can't be read."""
    from rllib_envs.network_scaling.data import load_data_set

    load_data_set(surface.setting.data, options.folder)


def _answer(problem: NetworkScaling, outcome: Outcome, path: Path) -> None:
    if not outcome.claimed.verified:
        raise NothingTrained(f"none of {outcome.evaluations} trainings came to an end: {outcome.claimed.error}")
    state = outcome.best.state
    task, place = state
    scaling, usage = task.surface.grid.scaling(place), task.surface.usage(place)
    stopped = " (interrupted)" if outcome.interrupted else ""
    print(f"{outcome.evaluations} networks in {outcome.seconds:.1f} s{stopped}; the best:")
    print(f"(width, depth, resolution) = {task.surface.text(place)}")
    spread = outcome.claimed.details["spread"]
    print(f"validation accuracy: {outcome.claimed.value:.2f} % (spread over seeds {spread:.2f}), {outcome.claimed.how}")
    print(f"latency: {usage.latency:.4g} s of at most {task.bounds.latency:g} s, {task.surface.latencies.about}")
    print(f"memory:  {usage.memory:.2f} MB of at most {task.bounds.memory:g} MB")
    content = {**scaling._asdict(), "accuracy": outcome.claimed.value, **usage._asdict()}
    path.write_text(json.dumps({**content, "evaluations": outcome.evaluations}) + "\n")


class Method(NamedTuple):
    """How to search, and what that needs of the problem."""

    search: Search
    moves: str
    steps: int


def method_of(options: SearchOptions) -> Method:
    """UserError where there is none of that name, or no policy."""
    if options.method == "compound":
        return Method(compound, "joint", options.steps)
    if options.method not in ("", "policy"):
        if options.policy is not None:
            raise UserError(f"--policy is for --method policy, not for {options.method}")
        search = METHODS[choose(options.method, (*METHODS, "compound", "policy"), "method")]
        return Method(search, "joint", options.steps)
    look = find_policy if options.method else policy_if_any
    found = look(options.policy, NetworkScaling.name)
    if found is None:
        print(f"no policy for {NetworkScaling.name} here; hill climbing")
        return Method(hill_climbing, "joint", options.steps)
    path, policy = found
    print(f"policy {path}, and hill climbing from its best")
    return Method(partial(policy_then_climb, policy), str(policy.problem_config.get("moves", "joint")), policy.horizon)


def policy_then_climb(policy: Policy, trial: Trial, rng: np.random.Generator) -> None:
    """The policy decides once, and what it has found is bettered with what is left of the budget."""
    policy_greedy(policy, trial, rng)
    hill_climbing(trial, rng, start=trial.best)


def compound(trial: Trial, rng: np.random.Generator) -> None:
    """All factors by one coefficient, the largest network that fits first."""
    task = trial.root.state.task
    for place in compound_places(task):
        trial.evaluate(Node(Scaled(task, place)))


def run_toy(options: ToyOptions) -> None:
    """Search the toy, and say how far from its optimum it ended."""
    if options.evaluations < 1:
        raise UserError(f"--evaluations is {options.evaluations}; it must be at least 1")
    search = METHODS[choose(options.method, METHODS, "method")]
    problem = NetworkScaling(horizon=TOY_STEPS)
    benchmark = Benchmark("toy", NetworkScaling.name, {"toy": True})
    outcome = run_search(search, problem, benchmark, Budget(evaluations=options.evaluations), seed=options.id)
    task, place = outcome.best.state
    start = problem.initial(benchmark)
    print(
        f"from {task.surface.text(start.place)}, accuracy {outcome.start.value:.3f}; bounds {usage_text(task.bounds)}"
    )
    curve = [point for point in outcome.curve if point.value == outcome.claimed.value]
    print(
        f"best (width, depth) = {task.surface.text(place)}, accuracy {outcome.claimed.value:.3f}, found after "
        f"{curve[0].evaluations} places in {curve[0].seconds:.2f} s"
    )
    print("the optimum is (0.5, 0.3), accuracy 1.000")
