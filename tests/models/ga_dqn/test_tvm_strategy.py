"""TVM tunes with our tuners: its own loop, builder, runner and database, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

TUNE = """
import json, sys
from rllib_envs.tvm_host import prepare_import, target
prepare_import()
del sys.modules["torch"]  # GA-DQN needs it
from tvm.s_tir import meta_schedule as ms
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.strategy import ga_dqn_strategy
from rllib_envs.kernel_tuning.expression import module
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.kernel_tuning.template import templates
from tests.kernel_builds import InThisProcess, TimedHere

folder, trials = sys.argv[1], int(sys.argv[2])
task = module(KernelTask.from_spec({"operator": "dense", "sizes": {"m": 16, "n": 32, "k": 8}, "epilogue": ["relu"]}))
strategy = ga_dqn_strategy(GADQNSettings(hidden=8, learn_after=4))
timed = TimedHere()
database = ms.tune_tir(task, target(), folder, trials, num_trials_per_iter=6, strategy=strategy, cost_model="none",
    builder=InThisProcess(), runner=timed, num_tuning_cores=1)
records = database.get_all_tuning_records()
genes = [templates(task, target())[0].encode(record.trace) for record in records]
schedule = ms.tir_integration.compile_tir(database, task, target())
print(json.dumps({"genes": genes, "asked": timed.asked, "compiled": schedule is not None}))
"""


def tune(folder: Path, trials: int) -> dict:
    command = [sys.executable, "-c", TUNE, str(folder), str(trials)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_tvm_tunes_with_ga_dqn_and_goes_on_from_its_records(tmp_path: Path) -> None:
    first = tune(tmp_path / "records", 18)
    assert 0 < first["asked"] <= 18 and first["compiled"]
    assert len(first["genes"]) == first["asked"]
    more = tune(tmp_path / "records", 12)
    assert 0 < more["asked"] <= 12
    genes = [tuple(gene) for gene in more["genes"]]
    assert len(genes) == first["asked"] + more["asked"]
    assert len(genes) == len(set(genes)), "nothing is measured again"
