"""TVM's MetaSchedule searches within its limits, remembers what it found, and harms nobody when it is killed."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from eval.baselines import library_baseline
from tests.eval.baselines.conftest import benchmark

PRODUCT = benchmark("mm", m=16, n=16, k=16)
TOLD_CLOCK_HZ = 3e9
"""At which cycles are told to MetaSchedule as seconds."""
OTHER = benchmark("mm", m=16, n=16, k=32)


def spent(folder: Path) -> dict:
    (path,) = folder.glob("tuned/mm-*/spent.json")
    return json.loads(path.read_text())["spent"]


def records(folder: Path) -> Path:
    (path,) = folder.glob("tuned/mm-*/database_tuning_record.json")
    return path


def best_flop_per_cycle(folder: Path) -> float:
    """Of all that was tried: the first entry of a record is its workload, then come its trace and the seconds."""
    tried = [json.loads(line) for line in records(folder).read_text().splitlines()]
    assert len(tried) + spent(folder)["failed"] == spent(folder)["trials"]
    return 2 * 16**3 / (min(record[1][1][0] for record in tried) * TOLD_CLOCK_HZ)


def process_of(baseline) -> int:
    return baseline._process._process._process.pid


@pytest.mark.slow
def test_searches_once_and_says_what_it_took(make_baselines, tmp_path: Path) -> None:
    (search,) = make_baselines("tvm_metaschedule", trials=6).values()
    found = search(PRODUCT)
    assert found.verified, found.error
    assert found.details["flop_per_cycle"] == pytest.approx(best_flop_per_cycle(tmp_path), rel=0.5)
    effort = spent(tmp_path)
    assert (effort["trials"], effort["complete"]) == (6, True)
    assert found.details["tuning_trials"] == 6 and found.details["tuning_seconds"] >= effort["seconds"] > 0
    assert "MetaSchedule with an XGBoost cost model, 6 trials in " in found.how
    assert "(of 6 and 20 s allowed)" in found.how

    kept = records(tmp_path).read_text()
    search._process.close()
    again = search(PRODUCT)
    assert again.verified and again.details["tuning_trials"] == 6
    assert again.details["tuning_seconds"] >= effort["seconds"], "the time of the search is still told"
    assert records(tmp_path).read_text() == kept and spent(tmp_path) == effort


@pytest.mark.slow
def test_killed_in_its_search_costs_one_row_and_the_search_goes_on_later(make_baselines, tmp_path: Path) -> None:
    baselines = make_baselines("tvm", "tvm_metaschedule", trials=6)
    search = baselines["tvm_metaschedule"]
    assert baselines["tvm"](PRODUCT).verified  # the process has started

    def kill_at_the_second_trial() -> None:
        while not list(tmp_path.glob("tuned/mm-*/spent.json")) or spent(tmp_path)["trials"] < 2:
            time.sleep(0.01)
        os.kill(process_of(search), signal.SIGKILL)

    killer = threading.Thread(target=kill_at_the_second_trial, daemon=True)
    killer.start()
    lost = search(PRODUCT)
    killer.join()
    assert (lost.value, lost.error, lost.doubtful) == (0.0, "crash: SIGKILL", True)
    assert search(PRODUCT) == lost, "not tried again on this benchmark"
    before = spent(tmp_path)
    assert before["trials"] < 6 and not before["complete"]
    whole = records(tmp_path).read_bytes()
    records(tmp_path).write_bytes(whole[:-20])  # as if it had been killed while it wrote

    assert baselines["tvm"](OTHER).verified, "another benchmark, and another process"
    later = make_baselines("tvm_metaschedule", trials=6)["tvm_metaschedule"](PRODUCT)
    assert later.verified, later.error
    after = spent(tmp_path)
    assert (after["trials"], after["complete"]) == (6, True) and after["seconds"] > before["seconds"]
    assert later.details["tuning_seconds"] >= after["seconds"]


def test_no_answer_in_time_costs_one_row(make_baselines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library_baseline, "ANSWER_LIMIT_S", 0.0)
    monkeypatch.setattr(library_baseline, "OVERTIME_S", 0.0)
    (search,) = make_baselines("tvm_metaschedule", trials=1000, seconds=0.3).values()
    began = time.monotonic()
    lost = search(PRODUCT)
    assert lost.error == "time-out: no answer within 0.3 s" and lost.doubtful
    assert search(PRODUCT) == lost
    assert search._process._process._process.poll() is not None, "the process was ended"
    assert time.monotonic() - began < 120
