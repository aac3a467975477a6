"""Suites: what is read, what is refused, and that a split can be trusted."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from rllib_envs.errors import UserError
from rllib_envs.suite import Suite, read_benchmark
from tests.conftest import ROOT


@pytest.mark.parametrize(("name", "count"), [("mm64_128_16_range", 125), ("mm64_256_16_range", 2197)])
def test_shipped_suites_are_complete(name, count):
    suite = Suite.load(name)
    assert len(suite.benchmarks) == count and suite.problem == "loop_nest"


def test_split_is_disjoint_complete_and_seeded():
    suite = Suite.load("mm64_128_16_range")
    train, test = suite.split(0.2, seed=3)
    assert len(test.benchmarks) == 25
    assert sorted(b.name for b in (*train.benchmarks, *test.benchmarks)) == [b.name for b in suite.benchmarks]
    assert suite.split(0.2, seed=3)[1] == test and suite.split(0.2, seed=4)[1] != test


def test_split_is_the_same_in_another_process():
    code = "from rllib_envs.suite import Suite; print(Suite.load('mm64_128_16_range').split(0.2, 3)[1].hash)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert run.stdout.strip() == Suite.load("mm64_128_16_range").split(0.2, 3)[1].hash


def test_hash_is_of_the_content_alone(toy_suite, tmp_path):
    before = Suite.load(toy_suite).hash
    moved = toy_suite.rename(tmp_path / "elsewhere")
    (moved / "toy0.json").rename(moved / "renamed.json")
    assert Suite.load(moved).hash == before
    content = json.loads((moved / "renamed.json").read_text())
    (moved / "renamed.json").write_text(json.dumps({**content, "spec": {"targets": [7]}}))
    assert Suite.load(moved).hash != before


@pytest.mark.parametrize("share", [0, 1, -0.5, 1.5])
def test_a_split_outside_its_range_is_refused(toy_suite, share):
    with pytest.raises(UserError, match="between 0 and 1"):
        Suite.load(toy_suite).split(share)


def test_a_misspelt_suite_is_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'mm64_128_16_range'"):
        Suite.load("mm64_128_16_rang")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="no benchmark"):
        Suite.load(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"name": "a"}',
        '{"name": 1, "problem": "toy", "spec": {}}',
        '{"name": "a", "problem": "toy", "spec": {"size": NaN}}',
        "\x00\xff",
    ],
)
def test_a_malformed_benchmark_names_its_file(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"broken\.json"):
        read_benchmark(path)


def test_mixed_problems_and_repeated_names_are_refused(toy_suite):
    (toy_suite / "twin.json").write_text((toy_suite / "toy0.json").read_text())
    with pytest.raises(UserError, match="two benchmarks named 'toy0'"):
        Suite.load(toy_suite)
    (toy_suite / "twin.json").write_text('{"name": "mm", "problem": "loop_nest", "spec": {}}')
    with pytest.raises(UserError, match="mixes the problems"):
        Suite.load(toy_suite)
