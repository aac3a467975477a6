"""Suites of which only the description is shipped: a file `<name>.toml` beside the folders of the others.

It says what `datasets/generator.py` is to generate, in one table or in several that are joined:

    [[generate]]
    kind = "layered"
    nodes = "10:20:2"
    count = 400

The suite is generated where it is first used, and kept in `$XDG_CACHE_HOME/tunewright/suites` (`~/.cache` where that is
not set).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, get_type_hints

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.problem import Benchmark
from rllib_envs.suite_generator import GeneratorOptions, generate

TABLE = "generate"


def generated_suite(path: Path) -> Path:
    """The folder of the suite that a .toml describes, generated if it isn't kept from before."""
    try:
        content = path.read_bytes()
        tables = tomllib.loads(content.decode())
    except (OSError, ValueError) as error:
        raise UserError(f"data set {path} can't be read: {error}") from None
    key = hashlib.sha256(content + version("tunewright").encode()).hexdigest()[:16]
    folder = _cache() / key / path.stem
    if not folder.is_dir():
        wanted = read_options(path, tables)
        print(f"data set {path.stem} is generated once, into {folder}", file=sys.stderr, flush=True)
        try:
            write_suite([benchmark for options in wanted for benchmark in generate(options)], folder)
        except OSError as error:
            if not folder.is_dir():  # else somebody else was faster
                raise UserError(
                    f"data set {path.stem} can't be kept in {_cache()}: {error.strerror}; set XDG_CACHE_HOME"
                ) from None
    return folder


def read_options(path: Path, tables: Mapping[str, Any]) -> list[GeneratorOptions]:
    """Those of each table. UserError names what is wrong with the file."""
    entries = tables.get(TABLE)
    if set(tables) != {TABLE} or not isinstance(entries, list) or not all(isinstance(each, dict) for each in entries):
        raise UserError(f"data set {path} needs tables [[{TABLE}]] and nothing else, with the generator's options")
    kinds = get_type_hints(GeneratorOptions)
    for entry in entries:
        for name, value in entry.items():
            kind = kinds[choose(name, kinds, f"option in {path}")]
            if type(value) is not kind:
                raise UserError(f"{name} in {path} is {value!r}; it must be of type {kind.__name__}")
        if "kind" not in entry:
            raise UserError(f"a table [[{TABLE}]] in {path} lacks a kind")
    return [GeneratorOptions(**entry) for entry in entries]


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tunewright" / "suites"


def write_suite(benchmarks: list[Benchmark], out: Path) -> None:
    """Write all files or none: the folder appears under its name when it is complete."""
    names = Counter(benchmark.name for benchmark in benchmarks)
    if len(names) < len(benchmarks):
        raise UserError(f"two benchmarks would be named {names.most_common(1)[0][0]!r}; give their kinds a suffix")
    out.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        for benchmark in benchmarks:
            content = json.dumps(json.loads(benchmark.to_json()), indent=1)
            (unfinished / f"{benchmark.name}.json").write_text(content + "\n")
        unfinished.chmod(0o755)
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
