"""Workers have a core each, do what one process would have done, and cost one search when they are lost."""

from __future__ import annotations

import logging
import math
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from eval.budget import Budget
from eval.compare import carry_out
from eval.comparison import Comparison
from eval.journal import Journal
from eval.plan import Plan
from eval.workers import crew
from eval.workers.claims import claimed_cores
from models.interrupts import descendants
from rllib_envs.cores import physical_cores
from rllib_envs.errors import MissingPackage, UserError
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy
from tests.eval.conftest import dials
from tests.eval.fragile import TRAP, Fragile, Located, Unmakeable

CORES = (physical_cores() * 2)[:2]
METHODS = ["greedy2", "random"]
BENCHMARKS = [dials(3), dials(*TRAP), dials(5, 2), dials(1, 6, 2)]


def plan(**changes) -> Plan:
    return Plan.make(**{"benchmarks": BENCHMARKS, "methods": METHODS, "budget": Budget(evaluations=40), **changes})


def results(comparison: Comparison) -> list[tuple[object, ...]]:
    """All but how long it took, each beginning with benchmark, method and seed."""
    rows = [(row.benchmark, row.method, row.seed, row.value, row.evaluations, row.actions) for row in comparison.rows]
    steps = [(*curve[:3], *((point[1:]) for point in curve.points)) for curve in comparison.curves]
    return [*rows, *steps]


def workers() -> list[int]:
    """The processes of this one's crew."""
    found = []
    for pid in descendants(os.getpid()):
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists() and crew.WORKER_MODULE.encode() in command.read_bytes():
            found.append(pid)
    return found


@pytest.fixture(autouse=True)
def none_is_left():
    yield
    assert not workers()


@pytest.fixture
def times(tmp_path) -> Path:
    folder = tmp_path / "times"
    folder.mkdir()
    return folder


def test_workers_find_what_one_process_finds_each_benchmark_in_one_process_on_one_core(tmp_path):
    both = plan(seeds=(0, 1))
    with Journal(tmp_path, {}) as journal:
        found = carry_out(Toy(), both, cores=CORES, journal=journal, make=Located)
    assert results(found) == results(carry_out(Toy(), both))

    places: dict[str, set[tuple[float, float]]] = {}
    with Journal(tmp_path, {}) as journal:
        for line in journal.lines:
            for measured in (line["start"], line.get("claimed", line["start"])):
                details = measured["details"]
                places.setdefault(line["benchmark"], set()).add((details["where"], details["process"]))
    assert len(places) == len(BENCHMARKS) and all(len(each) == 1 for each in places.values())
    where = {place for each in places.values() for place, _ in each}
    assert where == {float(sum(1 << cpu for cpu in core)) for core in CORES}
    assert len({process for each in places.values() for _, process in each}) == 2


@pytest.mark.parametrize("how", ["raises", "stopped"])
def test_what_is_lost_once_is_tried_again(how, times, monkeypatch, caplog):
    monkeypatch.setattr(crew, "OVERTIME_S", 3.0)
    monkeypatch.setattr(crew, "EVALUATION_LIMIT_S", 0.0)
    trap = plan(benchmarks=[dials(*TRAP)])
    comparison = carry_out(Toy(), trap, cores=CORES[:1], make=partial(Fragile, how, times, 1))
    assert results(comparison) == results(carry_out(Toy(), trap))
    (warning,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert "on 2_3 was lost" in warning and "trying once more" in warning


def test_what_is_lost_twice_is_a_row_with_its_reason(times):
    lossy = carry_out(Toy(), plan(), cores=CORES, make=partial(Fragile, "killed", times, 2))
    whole = carry_out(Toy(), plan())
    (row,) = [row for row in lossy.rows if row.error]
    assert row.benchmark == "2_3" and row.error == "its worker was killed by SIGKILL"
    assert row.value == row.start and row.speedup == 1.0 and row.actions == ()
    lost = (row.benchmark, row.method, 0)
    assert [each for each in results(whole) if each[:3] != lost] == [
        each for each in results(lossy) if each[:3] != lost
    ]


def test_a_benchmark_that_can_t_be_measured_anew_costs_no_other(times):
    at_the_second_look = partial(Fragile, "exits", times, 1000, spared=1)
    comparison = carry_out(Toy(), plan(methods=["greedy2"]), cores=CORES, make=at_the_second_look)
    assert len(comparison.rows) == len(BENCHMARKS)
    for row in comparison.rows:
        if row.benchmark == "2_3":
            assert "ended with exit status 3" in row.error and math.isnan(row.value) and math.isnan(row.speedup)
        else:
            assert not row.error and row.value > row.start


def test_killing_every_worker_at_once_loses_at_most_a_try():
    slow = [Benchmark(f"slow{index}", "toy", {"targets": [5, index], "seconds": 0.002}) for index in range(4)]
    killed: list[int] = []

    def kill(step):
        if step.done == 3:
            killed.extend(workers())
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    whole = carry_out(Toy(), plan(benchmarks=slow), cores=CORES, progress=kill)
    assert len(killed) == 2
    assert results(whole) == results(carry_out(Toy(), plan(benchmarks=slow)))


def test_what_concerns_every_search_ends_the_comparison(times):
    with pytest.raises(MissingPackage, match="install what is missing"):
        carry_out(Toy(), plan(), cores=CORES, make=partial(Fragile, "lacks a package", times, 1))


def test_workers_that_don_t_start_are_an_error():
    with pytest.raises(crew.WorkersFailed, match=r"no worker starts here .*exit status 7"):
        carry_out(Toy(), plan(), cores=CORES[:1], make=Unmakeable)


def test_comparisons_claim_different_cores(tmp_path):
    here = len(physical_cores())
    with claimed_cores(1, tmp_path) as (first, shared):
        assert len(first) == 1 and shared == 0
        with claimed_cores(None, tmp_path) as (others, crowded):
            assert others and (crowded == 0) == (here > 1)
            assert here == 1 or first[0] not in others
        with claimed_cores(here, tmp_path) as (every, crowded):
            assert len(set(every)) == here and crowded == 1
    with claimed_cores(None, tmp_path) as (free, shared):
        assert len(free) == here and shared == 0
    with pytest.raises(UserError, match=f"give 1 to {here}"), claimed_cores(here + 1, tmp_path):
        pass
