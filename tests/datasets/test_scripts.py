"""The two scripts of datasets/, as a person runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from rllib_envs.kernel_tuning.operators import OPERATORS
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.online_sharing.trace import Trace
from rllib_envs.stem_sharing.task import Task as StemTask
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.task import Task
from rllib_envs.suite import Suite
from tests.conftest import ROOT
from tests.rllib_envs.network_scaling.scaled import DIGITS


def script(name, *arguments):
    command = [sys.executable, ROOT / "datasets" / f"{name}.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)


def generate(out, *arguments):
    return script("generator", *arguments, f"--out={out}")


def test_the_shipped_suite_is_what_the_generator_writes(tmp_path):
    dims = "64:128:16,64:128:16"
    assert generate(tmp_path / "mm", "--kind=mm", f"--dimA={dims}", f"--dimB={dims}").returncode == 0
    assert Suite.load(tmp_path / "mm").hash == Suite.load("mm64_128_16_range").hash


@pytest.mark.parametrize(
    ("arguments", "count", "sizes"),
    [
        (("--kind=bmm", "--dimA=2|4,8,16", "--dimB=2|4,16,32:33"), 4, {"b": 2, "m": 8, "k": 16, "n": 32}),
        (
            ("--kind=conv", "--dimA=14,14,3", "--dimB=3|5,3,3,8"),
            2,
            {"y": 12, "x": 12, "c": 3, "p": 3, "q": 3, "o": 8},
        ),
        (
            ("--kind=conv", "--dimA=4,14,3", "--dimB=3|5,3,3,8"),
            1,
            {"y": 2, "x": 12, "c": 3, "p": 3, "q": 3, "o": 8},
        ),
        (("--kind=transpose", "--dimA=10:12,7"), 3, {"m": 10, "n": 7}),
        (("--kind=mm", "--dimA=4,5", "--dimB=5,6", "--permute"), 6, {"m": 4, "k": 5, "n": 6}),
    ],
)
def test_kinds_and_grammar(tmp_path, arguments, count, sizes):
    run = generate(tmp_path / "suite", *arguments)
    assert run.returncode == 0, run.stderr
    suite = Suite.load(tmp_path / "suite")
    assert len(suite.benchmarks) == count and any(b.spec["sizes"] == sizes for b in suite.benchmarks)


def test_random_graphs_are_the_seeds_own(tmp_path):
    arguments = ("--kind=layered", "--nodes=8|12", "--count=2", "--topology=4 2 6", "--pipeline-depth=4")
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        run = generate(tmp_path / name, *arguments, f"--seed={seed}")
        assert run.returncode == 0, run.stderr
    one, same, other = (Suite.load(tmp_path / name) for name in ("one", "same", "other"))
    assert one.hash == same.hash != other.hash and one.problem == "streaming_engine"
    tasks = [Task.from_benchmark(benchmark) for benchmark in one.benchmarks]
    assert [len(task.graph) for task in tasks] == [12, 12, 8, 8]
    assert {task.device for task in tasks} == {Device(4, 2, 6, 4)}


def test_random_bounds_are_a_suite(tmp_path):
    arguments = ("--kind=network_scaling", f"--table={DIGITS}", "--platform=raspberrypi", "--count=4", "--seed=1")
    run = generate(tmp_path / "bounds", *arguments)
    assert run.returncode == 0, run.stderr
    suite = Suite.load(tmp_path / "bounds")
    assert suite.problem == "network_scaling" and len(suite.benchmarks) == 4
    assert all(benchmark.spec["platform"] == "raspberrypi" for benchmark in suite.benchmarks)


def test_random_applications_are_a_suite(tmp_path):
    run = generate(tmp_path / "apps", "--kind=stem_sharing", "--apps=2:3", "--count=2", "--event-length=compatible")
    assert run.returncode == 0, run.stderr
    suite = Suite.load(tmp_path / "apps")
    assert suite.problem == "stem_sharing"
    tasks = [StemTask.from_benchmark(benchmark) for benchmark in suite.benchmarks]
    assert [len(task.applications) for task in tasks] == [2, 2, 3, 3]
    assert {task.quality.event_length for task in tasks} == {"compatible"}


def test_random_kernels_are_a_suite(tmp_path):
    for name, seed in (("one", 2), ("same", 2), ("other", 3)):
        assert generate(tmp_path / name, "--kind=kernel_tuning", "--count=3", f"--seed={seed}").returncode == 0
    one, same, other = (Suite.load(tmp_path / name) for name in ("one", "same", "other"))
    assert one.hash == same.hash != other.hash and one.problem == "kernel_tuning"
    tasks = [KernelTask.from_benchmark(benchmark) for benchmark in one.benchmarks]
    assert Counter(task.operator for task in tasks) == dict.fromkeys(OPERATORS, 3)
    assert all(1e6 <= task.flops <= 6e7 for task in tasks)


def test_random_traces_are_a_suite(tmp_path):
    for name, seed in (("one", 2), ("same", 2), ("other", 3)):
        run = generate(tmp_path / name, "--kind=online_sharing", "--apps=2|4", "--count=2", f"--seed={seed}")
        assert run.returncode == 0, run.stderr
    one, same, other = (Suite.load(tmp_path / name) for name in ("one", "same", "other"))
    assert one.hash == same.hash != other.hash and one.problem == "online_sharing"
    most = [max(len(moment.present) for moment in Trace.from_benchmark(b).moments) for b in one.benchmarks]
    assert max(most[:2]) <= 2 < max(most[2:]) <= 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind=kernel_tuning", "--count=0"), "kernels of each operator are not possible"),
        (("--kind=stem_sharing",), "needs --apps"),
        (("--kind=online_sharing",), "needs --apps"),
        (("--kind=online_sharing", "--apps=2", "--count=0"), "at least one trace"),
        (("--kind=stem_sharing", "--apps=2", "--event-length=corected"), "did you mean 'corrected'"),
        (("--kind=layered",), "need --nodes"),
        (("--kind=layered", "--nodes=10", "--dimA=4"), "are for loop nests"),
        (("--kind=layered", "--nodes=10", "--topology=16"), "write 16 6"),
        (("--kind=layered", "--nodes=10", "--count=0"), "ask for 1 to"),
        (("--kind=layered", "--nodes=10", "--seed=-1"), "must not be negative"),
        (("--kind=layered", "--nodes=100"), "96 slices"),
        (("--kind=gn", "--nodes=40"), "no valid mapping"),
        (("--kind=mm",), "--dimA needs 2 dimensions"),
        (("--kind=mn", "--dimA=4,4"), "did you mean"),
        (("--kind=mm", "--dimA=4,4"), "--dimB needs 2 dimensions (k, n)"),
        (("--kind=mm", "--dimA=4,x", "--dimB=4,4"), "'x' is not a number"),
        (("--kind=mm", "--dimA=4,8:4", "--dimB=4,4"), "no positive size"),
        (("--kind=mm", "--dimA=4,0", "--dimB=0,4"), "no positive size"),
        (("--kind=mm", "--dimA=4,4:8:0", "--dimB=4,4"), "is not a number"),
        (("--kind=mm", "--dimA=4,4", "--dimB=5,4"), "must be the same in both"),
        (("--kind=mm", "--dimA=1:1000,1:1000", "--dimB=1:1000,1:1000"), "more than 20,000"),
        (("--kind=conv", "--dimA=2,2,3", "--dimB=3,3,3,8"), "window larger"),
        (("--kind=row_sum", "--dimA=4,4", "--dimB=4,4"), "leave --dimB out"),
        (("--kind=network_scaling",), "needs --table"),
        (("--kind=network_scaling", "--table=x.json"), "table of accuracies x.json does not exist"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, arguments, message):
    run = generate(tmp_path / "suite", *arguments)
    assert run.returncode == 2 and run.stderr.count("\n") == 1 and message in run.stderr, run.stderr
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_refused_and_untouched(tmp_path):
    (tmp_path / "keep").write_text("mine")
    run = generate(tmp_path, "--kind=transpose", "--dimA=4,4")
    assert run.returncode == 2 and "exists already" in run.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]


BENCH = "--bench=datasets/mm64_128_16_range/mm64_80_96.json"


@pytest.mark.parametrize(
    "actions", ["down,swap_down,split_16,up,up,up", "['down','swap_down','split_16','up','up','up']"]
)
def test_the_reader_shows_each_step_and_why_not(actions):
    run = script("reader", BENCH, f"--actions={actions}", "--observations=stride_tensor")
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("GFLOPS") == 6 and run.stdout.count("not possible: up: the cursor is on the outermost") == 1
    assert "<-- cursor" in run.stdout and "stride_tensor" in run.stdout


def test_the_reader_reads_loop_tools_own_format(tmp_path):
    ir = script("reader", BENCH, "--observations=ir").stdout.split("ir:\n")[1]
    (tmp_path / "nest").write_text(ir.strip() + "\n")
    run = script("reader", f"--bench={tmp_path / 'nest'}")
    assert run.returncode == 0 and "for m in 64" in run.stdout, run.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--bench=nowhere.json",), "does not exist"),
        ((BENCH, "--actions=spilt_4"), "did you mean 'split_4'"),
        ((BENCH, "--actions=[1, 2]"), "names of actions"),
        ((BENCH, "--actions=[down"), "is not a list"),
        ((BENCH, "--observations=strides"), "unknown observation"),
    ],
)
def test_the_readers_bad_input_is_one_line(arguments, message):
    run = script("reader", *arguments)
    assert run.returncode == 2 and run.stderr.count("\n") == 1 and message in run.stderr, run.stderr


def test_a_benchmark_of_another_problem_is_read_too(tmp_path):
    path = tmp_path / "toy.json"
    path.write_text(json.dumps({"name": "toy", "problem": "toy", "spec": {"targets": [3]}}))
    run = script("reader", f"--bench={path}", "--actions=raise,raise")
    assert run.returncode == 0 and "dial at 2, best 3" in run.stdout
