"""Suites of which only the description is there: generated once, where they are first used."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from rllib_envs.errors import UserError
from rllib_envs.generated_suite import read_options
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.shipped_data import DATASETS
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.generate import random_suite
from rllib_envs.suite import Suite
from rllib_envs.suite_generator import GeneratorOptions, generate

MIXED = """
[[generate]]
kind = "layered"
nodes = "5:6"
count = 2

[[generate]]
kind = "gn"
nodes = "5"
count = 1
topology = "8 6"
suffix = "_on_8"
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def described(folder: Path, text: str) -> Path:
    path = folder / "mixed.toml"
    path.write_text(text)
    return path


def test_several_kinds_are_one_suite_that_is_generated_once(tmp_path: Path, cache: Path) -> None:
    path = described(tmp_path, MIXED)
    suite = Suite.load(path)
    assert suite.name == "mixed" and suite.problem == "streaming_engine"
    names = [benchmark.name for benchmark in suite.benchmarks]
    assert names == ["gn5_0_on_8", "layered5_0", "layered5_1", "layered6_0", "layered6_1"]
    files = {file: file.stat().st_mtime_ns for file in cache.rglob("*.json")}
    assert len(files) == 5
    assert Suite.load(path).hash == suite.hash
    assert {file: file.stat().st_mtime_ns for file in cache.rglob("*.json")} == files
    path.write_text(MIXED.replace('nodes = "5"', 'nodes = "6"'))
    assert Suite.load(path).hash != suite.hash


def test_a_described_suite_has_a_name_like_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "datasets").mkdir()
    described(tmp_path / "datasets", MIXED)
    monkeypatch.setenv("LOOP_TOOL_ROOT", str(tmp_path))
    assert len(Suite.load("mixed").benchmarks) == 5
    with pytest.raises(UserError, match="did you mean 'mixed'"):
        Suite.load("mixt")


def test_those_that_are_shipped_are_of_their_problems() -> None:
    for name in ("kernel_tuning", "network_scaling", "online_sharing", "stem_sharing"):
        assert Suite.load(f"{name}_random").problem == name
    path = DATASETS / "streaming_engine_random.toml"  # generating it takes a minute
    for options in read_options(path, tomllib.loads(path.read_text())):
        assert generate(replace(options, count=1))[0].problem == "streaming_engine"
    expected = {task.name: task.spec for task in random_suite(range(2, 11), 60, 0, EventLength.CORRECTED)}
    assert {task.name: task.spec for task in Suite.load("stem_sharing_random").benchmarks} == expected


def test_the_kernels_of_the_other_suite_are_held_out() -> None:
    learnt, held_out = (
        {KernelTask.from_benchmark(benchmark).text for benchmark in Suite.load(name).benchmarks}
        for name in ("kernel_tuning_random", "kernel_tuning")
    )
    assert not learnt & held_out


def test_a_suffix_is_behind_every_name() -> None:
    plain = generate(GeneratorOptions(kind="transpose", dimA="4:5,7"))
    behind = generate(GeneratorOptions(kind="transpose", dimA="4:5,7", suffix="_b"))
    assert [each.name for each in behind] == [f"{each.name}_b" for each in plain]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind = ", "can't be read"),
        ('kind = "layered"', "needs tables [[generate]] and nothing else"),
        ("[generate]", "needs tables [[generate]]"),
        ('[[generate]]\nnodes = "5"', "lacks a kind"),
        ('[[generate]]\nkind = "layerd"\nnodes = "5"', "did you mean 'layered'"),
        ('[[generate]]\nkind = "layered"\nnode = "5"', "did you mean 'nodes'"),
        ('[[generate]]\nkind = "layered"\nnodes = 5', "nodes in {path} is 5; it must be of type str"),
        ('[[generate]]\nkind = "layered"\nnodes = "5"\nseed = -1', "must not be negative"),
        ('[[generate]]\nkind = "layered"\nnodes = "5"\n' * 2, "two benchmarks would be named 'layered5_0'"),
    ],
)
def test_a_description_that_is_wrong_is_said_and_nothing_is_kept(
    tmp_path: Path, cache: Path, text: str, message: str
) -> None:
    path = described(tmp_path, text)
    with pytest.raises(UserError) as raised:
        Suite.load(path)
    assert message.format(path=path) in str(raised.value)
    assert not list(cache.rglob("*.json"))


def test_a_cache_that_can_not_be_written_is_said(tmp_path: Path, cache: Path) -> None:
    cache.write_text("in the way")
    with pytest.raises(UserError, match="data set mixed can't be kept in"):
        Suite.load(described(tmp_path, MIXED))
