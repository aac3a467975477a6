"""A suite is a folder of benchmarks, one JSON file each, or a description of what is to be generated.

Nothing needs to be registered or installed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark
from rllib_envs.shipped_data import DATASETS

DESCRIBED = ".toml"


def read_benchmark(path: Path) -> Benchmark:
    """Read one benchmark file; UserError names the file and what is wrong with it."""
    try:
        content = json.loads(path.read_text())
        benchmark = Benchmark(content["name"], content["problem"], content["spec"])
        benchmark.to_json()  # Python reads NaN and Infinity, which are no numbers of JSON, and doesn't write them
    except FileNotFoundError:
        raise UserError(f"benchmark file {path} does not exist") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"benchmark file {path} can't be read: {type(error).__name__} {error}") from None
    if not (
        isinstance(benchmark.name, str) and isinstance(benchmark.problem, str) and isinstance(benchmark.spec, dict)
    ):
        raise UserError(f"benchmark file {path} needs a name, a problem and a spec (an object)")
    return benchmark


def find_suite(name: str | Path) -> Path:
    """The folder of a suite given by path or by name; names are looked up in `$LOOP_TOOL_ROOT/datasets` and ours.

    A suite that a .toml describes is generated, if it isn't yet (`rllib_envs.generated_suite`).
    """
    path = Path(name)
    if not path.is_dir() and not (path.suffix == DESCRIBED and path.is_file()):
        root = os.environ.get("LOOP_TOOL_ROOT")
        shelves = [*([Path(root) / "datasets"] if root else []), DATASETS]
        known = {
            suite.name.removesuffix(DESCRIBED): suite
            for shelf in reversed(shelves)
            if shelf.is_dir()
            for suite in _suites(shelf)
        }
        path = known[choose(str(name), sorted(known), "data set")]
    if path.is_dir():
        return path
    from rllib_envs.generated_suite import generated_suite  # brings every problem's generator

    return generated_suite(path)


def _suites(shelf: Path) -> list[Path]:
    folders = [folder for folder in shelf.iterdir() if folder.is_dir() and any(folder.glob("*.json"))]
    return [*folders, *shelf.glob(f"*{DESCRIBED}")]


@dataclass(frozen=True)
class Suite:
    """Benchmarks of one problem, in the order of their names."""

    name: str
    benchmarks: tuple[Benchmark, ...]

    @classmethod
    def load(cls, name: str | Path) -> Suite:
        """Read every benchmark of a folder. UserError when it is empty or mixes problems."""
        folder = find_suite(name)
        benchmarks = sorted((read_benchmark(path) for path in folder.glob("*.json")), key=lambda item: item.name)
        if not benchmarks:
            raise UserError(f"data set {folder} holds no benchmark (*.json); write some with datasets/generator.py")
        problems = sorted({benchmark.problem for benchmark in benchmarks})
        if len(problems) > 1:
            raise UserError(f"data set {folder} mixes the problems {', '.join(problems)}; a suite has one")
        names = [benchmark.name for benchmark in benchmarks]
        if len(set(names)) < len(names):
            twice = next(one for one, other in pairwise(names) if one == other)
            raise UserError(f"data set {folder} has two benchmarks named {twice!r}; names must differ")
        return cls(folder.resolve().name, tuple(benchmarks))

    @classmethod
    def select(cls, choice: Mapping[str, Any]) -> Suite:
        """The benchmarks that plain data asks for.

        Keys: `suite` (name or path), `size` (how many of them at most; default all), `split` ("train", "test" or
        "all", the default), `test_share` (default 0.2), and `split_seed` (default 0), which also draws the sample.
        """
        seed = choice.get("split_seed", 0)
        suite = cls.load(choice["suite"])
        if choice.get("size") is not None:
            suite = suite.sample(choice["size"], seed)
        split = choose(choice.get("split", "all"), ("train", "test", "all"), "split")
        if split == "all":
            return suite
        train, test = suite.split(choice.get("test_share", 0.2), seed)
        return train if split == "train" else test

    @property
    def problem(self) -> str:
        return self.benchmarks[0].problem

    @cached_property
    def hash(self) -> str:
        """Hexadecimal SHA-256 of the content; file names and layout don't enter."""
        digest = hashlib.sha256()
        for benchmark in self.benchmarks:
            digest.update(benchmark.to_json().encode() + b"\n")
        return digest.hexdigest()

    def split(self, test: float = 0.2, seed: int = 0) -> tuple[Suite, Suite]:
        """Train and test parts, disjoint and complete.

        Each benchmark's side depends on its own name, the seed and how many there are, never on the machine, and
        both sides get at least one benchmark.
        """
        if not 0 < test < 1:
            raise UserError(f"the test part is {test}; it must lie between 0 and 1")
        if len(self.benchmarks) < 2:
            raise UserError(f"data set {self.name} has one benchmark only and can't be split in two")
        drawn = self._drawn(seed)
        count = min(max(round(test * len(drawn)), 1), len(drawn) - 1)
        return self._part("train", drawn[count:]), self._part("test", drawn[:count])

    def sample(self, count: int, seed: int = 0) -> Suite:
        """`count` benchmarks drawn by the seed; the suite itself if it has no more than that."""
        if count < 1:
            raise UserError(f"a sample of {count} benchmarks is not possible; ask for at least 1")
        return self if count >= len(self.benchmarks) else self._part(f"sample{count}", self._drawn(seed)[:count])

    def _drawn(self, seed: int) -> list[Benchmark]:
        """All benchmarks in an order that depends on the seed and their names alone."""
        return sorted(self.benchmarks, key=lambda item: hashlib.sha256(f"{seed}:{item.name}".encode()).digest())

    def _part(self, label: str, benchmarks: list[Benchmark]) -> Suite:
        return Suite(f"{self.name}:{label}", tuple(sorted(benchmarks, key=lambda item: item.name)))
