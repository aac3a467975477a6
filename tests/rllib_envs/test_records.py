"""The record store: whole lines whoever writes, nothing measured twice, and no harm from what is in the file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from rllib_envs import records
from rllib_envs.errors import UserError
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.problem import Benchmark, Evaluation
from rllib_envs.records import Record, RecordStore, read_records
from rllib_envs.toy import Toy
from rllib_envs.tuning_env import TuningEnv
from tests.conftest import ROOT, matmul

BENCHMARK = Benchmark("toy", "toy", {"targets": [3, 5]})
GOOD = Evaluation(1.5, "share", 2.0, how="by hand", details={"seconds": 0.25})
PLACE = ("toy", "targets 3 5", "positions 0 0", "here")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "records.jsonl"


@pytest.fixture(autouse=True)
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever others have written is seen at once."""
    monkeypatch.setattr(records, "REFRESH_S", 0.0)


def written(path: Path) -> list[Record]:
    lines = [record for _, record in read_records(path)]
    assert None not in lines
    return lines


def test_a_record_says_everything_and_comes_back_equal(path):
    failed = Evaluation(0.0, "GFLOPS", 140.0, error="crash: SIGSEGV", doubtful=True, higher_is_better=False)
    store = RecordStore(path)
    store.add(*PLACE, GOOD)
    store.add(*PLACE[:2], "positions 1 0", "here", failed)
    first, second = written(path)
    assert (first.problem, first.benchmark, first.solution, first.measured_on) == PLACE
    assert first.evaluation == GOOD and first.evaluation.details == GOOD.details and second.evaluation == failed
    content = json.loads(path.read_text().splitlines()[0])
    assert content["value"] == 1.5 and content["solution"] == "positions 0 0" and content["when"].endswith("Z")


WRITER = """
import sys
from rllib_envs.problem import Evaluation
from rllib_envs.records import RecordStore
store = RecordStore(sys.argv[1])
print("ready", flush=True)
input()
for index in range(500):
    text = f"writer {sys.argv[2]} " + "x" * (20 * (index % 500))
    store.add("toy", text, f"positions {index}", "here", Evaluation(index, "share", 1.0))
"""


def test_many_processes_write_at_once_and_no_line_is_lost_or_torn(path):
    command = [sys.executable, "-c", WRITER, str(path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    writers = [subprocess.Popen([*command, str(number)], **pipes) for number in range(4)]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    reader, found = RecordStore(path), 0
    while any(writer.poll() is None for writer in writers):
        reader.refresh()
        assert len(reader._places) >= found
        found = len(reader._places)
    for writer in writers:
        writer.communicate(timeout=10)
        assert writer.returncode == 0
    lines = written(path)
    assert len(lines) == 2000 == len({(line.benchmark.split()[1], line.solution) for line in lines})
    turns = sum(one.benchmark.split()[1] != other.benchmark.split()[1] for one, other in pairwise(lines))
    assert turns > 10, "they did not write at the same time"
    reader.refresh()
    assert len(reader._places) == 2000
    assert reader.find("toy", "writer 2 ", "positions 0", "here").value == 0


def test_a_fork_of_the_writer_is_another_writer(path):
    store = RecordStore(path)
    store.add(*PLACE, GOOD)
    fork = os.fork()
    for index in range(200):
        store.add("toy", "targets 1", f"positions {index} of {fork == 0}", "here", GOOD)
    if fork == 0:
        os._exit(0)
    os.waitpid(fork, 0)
    assert len({record.solution for record in written(path)}) == 401


def test_a_torn_last_line_is_left_alone_by_readers_and_repaired_by_writers(path, caplog):
    RecordStore(path).add(*PLACE, GOOD)
    with path.open("ab") as file:
        file.write(b'{"problem": "toy", "benchm')
    store = RecordStore(path)
    assert store.find(*PLACE) == GOOD and not caplog.records
    store.add("toy", "targets 1", "positions 0", "here", GOOD)
    other = RecordStore(path)
    assert other.find("toy", "targets 1", "positions 0", "here") == store.find(*PLACE) == GOOD
    assert [record is None for _, record in read_records(path)] == [False, True, False]
    assert len(caplog.messages) == 2 and "skipped" in caplog.messages[0], "once for each reader"


def test_a_line_in_the_making_is_read_when_it_is_done(path):
    reader = RecordStore(path)
    line = Record(*PLACE, GOOD, "2026-01-31T23:59:59Z").to_line()
    path.write_bytes(line[:50])
    assert reader.find(*PLACE) is None
    path.write_bytes(line)
    assert reader.find(*PLACE) == GOOD


def test_others_are_heard_at_most_once_in_a_while(path, monkeypatch):
    monkeypatch.setattr(records, "REFRESH_S", 1000.0)
    mine, theirs = RecordStore(path), RecordStore(path)
    assert mine.find(*PLACE) is None
    theirs.add(*PLACE, GOOD)
    assert theirs.find(*PLACE) == GOOD, "what it wrote itself it knows"
    assert mine.find(*PLACE) is None
    mine.refresh()
    assert mine.find(*PLACE) == GOOD


def test_the_tail_alone_is_read_again(path):
    store = RecordStore(path)
    store.add(*PLACE, GOOD)
    store.refresh()
    damaged = bytearray(path.read_bytes())
    damaged[5:9] = b"####"
    path.write_bytes(damaged)
    store.refresh()
    assert not store._told_of_malformed
    assert store.find(*PLACE) is None, "the line is checked when it is used"


def test_a_file_that_was_replaced_is_read_from_its_start(path):
    store = RecordStore(path)
    for index in range(5):
        store.add("toy", "targets 1", f"positions {index}", "here", GOOD)
    store.refresh()
    path.unlink()
    assert store.find("toy", "targets 1", "positions 3", "here") is None
    RecordStore(path).add(*PLACE, GOOD)
    assert store.find(*PLACE) == GOOD


def test_other_hardware_does_not_count(path):
    RecordStore(path).add(*PLACE, GOOD)
    store = RecordStore(path)
    assert store.find(*PLACE[:3], "elsewhere") is None
    cache = EvaluationCache(Toy(), records=store)
    cache(cache.problem.initial(BENCHMARK))
    assert cache.misses == 1, 'the toy measures on ""'


def test_the_last_word_counts_and_doubt_never_does(path):
    doubtful = Evaluation(0.0, "share", 1.0, error="time-out: too slow", doubtful=True)
    store, other = RecordStore(path), ("toy", "targets 1", "positions 0", "here")
    store.add(*PLACE, doubtful)
    store.add(*other, GOOD)
    store.add(*other, doubtful)
    assert store.find(*PLACE) == doubtful and store.find(*other) == GOOD
    store.add(*PLACE, GOOD)
    store.add(*PLACE, replace(GOOD, value=7.0))
    assert store.find(*PLACE).value == RecordStore(path).find(*PLACE).value == 7.0


def test_what_was_doubtful_is_measured_again_on_demand_and_once(path):
    doubtful = Evaluation(0.0, "share", 1.0, error="time-out: too slow", doubtful=True)
    RecordStore(path).add(*PLACE, doubtful)
    assert RecordStore(path).find(*PLACE) == doubtful
    again = RecordStore(path, measure_doubtful=True)
    assert again.find(*PLACE) is None
    RecordStore(path).add(*PLACE, doubtful)
    assert again.find(*PLACE) == doubtful, "somebody has just tried again"


def test_memory_is_bounded(path, monkeypatch):
    monkeypatch.setattr(records, "RECORDS_KEPT", 10)
    store = RecordStore(path)
    for index in range(40):
        store.add("toy", "targets 1", f"positions {index}", "here", GOOD)
    assert len(store._places) == 10
    assert [store.find("toy", "targets 1", f"positions {n}", "here") for n in (29, 30)] == [None, GOOD]
    monkeypatch.setattr(records, "TYPICAL_LINE", 50)
    late = RecordStore(path)
    assert late.find("toy", "targets 1", "positions 39", "here") == GOOD
    assert 0 < len(late._places) < 10 and not late._told_of_malformed


def test_a_disk_that_fails_costs_the_memory_alone(path, caplog, monkeypatch):
    store = RecordStore(path)
    store.add(*PLACE, GOOD)
    monkeypatch.setattr(os, "write", lambda *_: 3)
    cache = EvaluationCache(Toy(), records=store)
    for position in range(3):
        cache(cache.problem.initial(BENCHMARK)._replace(positions=(position, 0)))
    assert cache.misses == 3 and len(caplog.messages) == 1 and "No space left" in caplog.messages[0]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[]",
        "{}",
        '{"problem": "toy"}',
        "[" * 100_000,
        '{"problem": 1, "benchmark": "b", "solution": "s", "measured_on": "", "when": "", "value": 1, "unit": "u", '
        '"scale": 1}',
        '{"problem": "p", "benchmark": "b", "solution": "s", "measured_on": "", "when": "", "value": NaN, "unit": "u", '
        '"scale": 1}',
        '{"problem": "p", "benchmark": "b", "solution": "s", "measured_on": "", "when": "", "value": 1, "unit": "u", '
        '"scale": 0}',
        '{"problem": "p", "benchmark": "b", "solution": "s", "measured_on": "", "when": "", "value": "1", "unit": "u", '
        '"scale": 1}',
        '{"problem": "p", "benchmark": "b", "solution": "s", "measured_on": "", "when": "", "value": 1, "unit": "u", '
        '"scale": 1, "details": [1]}',
        "\x00\xff",
    ],
)
def test_a_line_that_is_no_record_is_refused(line):
    with pytest.raises(ValueError):
        Record.from_line(line.encode("latin-1"))


def test_a_path_that_can_not_be_a_record_file_is_one_clear_error(tmp_path, path):
    with pytest.raises(UserError, match="is a folder; name a file in it"):
        RecordStore(tmp_path)
    path.write_text("name,value\n1,2\n")
    with pytest.raises(UserError, match="is no record file"):
        RecordStore(path)
    with pytest.raises(UserError, match="can't be made"):
        RecordStore(path / "below a file")
    with pytest.raises(UserError, match="can't be read"):
        list(read_records(tmp_path))
    assert path.read_text() == "name,value\n1,2\n"
    new = tmp_path / "new" / "folder" / "records.jsonl"
    store = RecordStore(new)
    assert not new.parent.exists(), "before there is something to write"
    store.add(*PLACE, GOOD)
    assert len(written(new)) == 1


def test_two_environments_and_two_sessions_measure_nothing_twice(path):
    def session(seed: int) -> int:
        caches = [EvaluationCache(Toy(), records=RecordStore(path)) for _ in range(2)]
        envs = [TuningEnv(cache.problem, [BENCHMARK], evaluate=cache, seed=seed) for cache in caches]
        for _ in range(5):
            for env in envs:
                observation, _ = env.reset()
                for action in (1, 1, 2, 0, 1, 1):
                    assert observation["action_mask"][action]
                    observation, *_ = env.step(action)
        assert envs[0].best == envs[1].best
        return sum(cache.misses for cache in caches)

    assert session(seed=0) == len(written(path)) == 5
    assert session(seed=1) == 0


def test_without_records_a_cache_starts_empty_and_writes_nothing(tmp_path):
    cache = EvaluationCache(Toy())
    cache(cache.problem.initial(BENCHMARK))
    assert cache.misses == 1 and not list(tmp_path.iterdir())


def test_a_loop_nest_is_measured_once_and_recalled_at_the_peak_of_the_day(path, loop_nest, monkeypatch):
    state = loop_nest.initial(matmul(24, 32, 16))
    first = EvaluationCache(loop_nest, records=RecordStore(path))(state)
    later = EvaluationCache(loop_nest, records=RecordStore(path))
    assert later(state) == first and later.misses == 0
    peak = loop_nest._measurer.peak()
    monkeypatch.setattr(loop_nest._measurer, "peak", lambda: peak._replace(gflops=2 * peak.gflops))
    recalled = EvaluationCache(loop_nest, records=RecordStore(path))(state)
    assert recalled.value == pytest.approx(2 * first.value) and recalled.scale == 2 * first.scale
    assert recalled.details["seconds"] == pytest.approx(first.details["seconds"] / 2)
    assert recalled.details["fraction_of_peak"] == first.details["fraction_of_peak"]


def test_the_conditions_name_processor_and_code_generator(loop_nest):
    text = loop_nest.measured_on()
    assert "backend" in text and text == loop_nest.measured_on() and "\n" not in text
