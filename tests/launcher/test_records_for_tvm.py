"""What kernel tuning has recorded becomes a database that TVM itself applies."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from launcher.cli import main
from rllib_envs.evaluation_cache import EvaluationCache
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.kernel_tuning.workload import make_workload
from rllib_envs.records import RecordStore
from rllib_envs.registry import make_problem

REPOSITORY = Path(__file__).resolve().parents[2]
TASK = KernelTask.from_spec({"operator": "dense", "sizes": {"m": 8, "n": 32, "k": 16}, "epilogue": ["bias", "relu"]})

APPLY = """
import sys
import numpy as np
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.tvm_host import prepare_import, target
prepare_import()
import tvm
from tvm.s_tir import meta_schedule as ms
from rllib_envs.kernel_tuning.expression import module

folder, text, output = sys.argv[1:]
task = KernelTask.from_spec(__import__("json").loads(text))
database = ms.database.JSONDatabase(work_dir=folder)
records = database.get_all_tuning_records()
print(len(records), min(float(record.run_secs[0]) for record in records))
schedule = ms.tir_integration.compile_tir(database, module(task), target())
best = database.query_tuning_record(module(task), target(), "main")
print(float(best.run_secs[0]))
from rllib_envs.kernel_tuning.workload import make_workload
inputs = [tvm.runtime.tensor(values) for values in make_workload(task).inputs]
result = tvm.runtime.tensor(np.full(task.shapes[-1], np.nan, np.float32))
tvm.compile(schedule.mod, target=target()).jit()["main"](*inputs, result)
np.save(output, result.numpy())
"""


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A few measured genes, a failure, and a record of another machine."""
    monkeypatch.chdir(tmp_path)
    store = RecordStore(tmp_path / "some.jsonl")
    problem = make_problem("kernel_tuning")
    try:
        measure = EvaluationCache(problem, records=store)
        rng = np.random.default_rng(0)
        state = problem.initial(TASK.to_benchmark("small"))
        while problem.legal(state).any():
            measured = measure(state)
            state = problem.apply(state, int(rng.choice(np.flatnonzero(problem.legal(state)))))
        place = (problem.name, *problem.record_key(state))
        store.add(*place, "another machine", measured)
        store.add(*place, problem.measured_on(), replace(measured, value=0.0, error="crash: SIGSEGV"))
    finally:
        problem.close()
    return store.path


def test_records_are_applied_by_tvm(records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["records", str(records), "--tvm", str(tmp_path / "database")])
    lines = records.read_text().splitlines()
    genes = len(lines) - 2
    assert capsys.readouterr().out == f"{genes} of {len(lines)} records added to TVM's in {tmp_path / 'database'}\n"
    command = [sys.executable, "-c", APPLY, tmp_path / "database", TASK.text, tmp_path / "result.npy"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    applied = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert applied.returncode == 0, applied.stderr
    count, fastest, chosen = applied.stdout.split()
    assert int(count) == genes >= 3 and chosen == fastest
    assert make_workload(TASK).fault(np.load(tmp_path / "result.npy")) == ""


def test_damaged_records_are_named(records: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = records.read_text()
    for old, new, words in (
        ("unroll_explicit_3=", "unroll_explicit_3=7", "is no candidate of this kernel's knob 'unroll_explicit_3'"),
        ('{\\"operator\\":\\"dense\\"', '{\\"operator\\":\\"sparse\\"', "unknown operator 'sparse'"),
        ("tile_0_8=", "tile_9 tile_0_8=", "a gene of this kernel has 4"),
    ):
        assert old in text
        (tmp_path / "damaged.jsonl").write_text(text.replace(old, new))
        with pytest.raises(SystemExit) as end:
            main(["records", str(tmp_path / "damaged.jsonl"), "--tvm", str(tmp_path / "other")])
        assert end.value.code == 2 and words in capsys.readouterr().err
