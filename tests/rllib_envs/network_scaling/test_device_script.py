"""The program that measures latencies runs on its own, with nothing of ours installed and nothing but PyTorch."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys

import pytest
import torch

from rllib_envs.errors import MeasuringError, UserError
from rllib_envs.network_scaling import timing
from rllib_envs.network_scaling.architecture import architecture_of
from rllib_envs.network_scaling.bundle import MODULES, SOURCES, write_device_script
from rllib_envs.network_scaling.device_script import Request, run
from rllib_envs.network_scaling.latency_file import LatencyFile
from rllib_envs.network_scaling.latency_table import LatencyTable
from rllib_envs.network_scaling.scaling import Scaling
from rllib_envs.network_scaling.timing import time_network, time_parts, time_row

ALONE = """
import runpy, sys
class NothingElse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"numpy", "ray", "gymnasium", "tyro", "rich", "sklearn", "safetensors"}:
            raise ModuleNotFoundError(f"{name} is not there")
sys.meta_path.insert(0, NothingElse())
script, *sys.argv = sys.argv[1:]
if sys.argv[0] == "program":
    runpy.run_path(script, run_name="__main__")
else:
    sys.path.insert(0, script)
    from rllib_envs.network_scaling import device_script, timing
    timing.STEADY, timing.RUN_SECONDS = 1e9, 0.0  # other tests run beside it
    device_script.main()
"""
FEW = ("-p", "desktop", "--widths", "0.1", "0.2", "--resolutions", "4", "8", "--batch", "1")


def start(script, how, *arguments):
    return subprocess.run(
        [sys.executable, "-I", "-W", "ignore", "-c", ALONE, script, how, *FEW, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=script.parent,
    )


@pytest.fixture
def calm(monkeypatch):
    """Any two rounds agree, and runs are few: what is measured here is not to be used."""
    monkeypatch.setattr(timing, "STEADY", 1e9)
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)


def test_it_runs_alone_and_its_table_is_a_table(tmp_path):
    script, out = tmp_path / "measure_latency.pyz", tmp_path / "table.json"
    write_device_script(script)
    bad = start(script, "program", "--model", "vgg", "--out", out)
    assert bad.returncode == 2 and "error: unknown network 'vgg'" in bad.stderr and not out.exists()
    done = start(script, "modules", "--out", out)
    assert done.returncode == 0, done.stderr
    table = LatencyTable(LatencyFile.read(out))
    assert table.seconds(architecture_of("preactresnet18", Scaling(2, 10, 8))) > 0
    assert torch.__version__ in table.file.measured_on and table.batch == 1


def test_devices_may_have_python_3_10():
    for module in MODULES:
        ast.parse((SOURCES / module).read_text(), feature_version=(3, 10))


def test_a_table_is_gone_on_with(tmp_path, calm, capsys):
    out = tmp_path / "table.json"
    run(Request("desktop", out, widths=(0.1,), resolutions=(4,), batch=2))
    first = LatencyFile.read(out)
    assert len(first.rows) == 1
    run(Request("desktop", out, widths=(0.1, 0.2), resolutions=(4, 6), batch=2))
    whole = LatencyFile.read(out)
    assert len(whole.rows) == 4 and whole.rows[0] == first.rows[0] and whole.when == first.when
    assert "4 networks" in capsys.readouterr().out
    with pytest.raises(UserError, match="was begun with batch 2, not 3"):
        run(Request("desktop", out, batch=3))
    with pytest.raises(UserError, match="a raspberrypi has no cuda"):
        run(Request("raspberrypi", out, "cuda"))


def test_parts_add_up_to_the_network(calm):
    """Roughly: other tests run beside it."""
    architecture = architecture_of("preactresnet18", Scaling(2, 10, 16))
    threads = torch.get_num_threads()
    parts, whole = time_parts(architecture, batch=2), time_network(architecture, batch=2)
    assert torch.get_num_threads() == threads
    total = sum(parts.seconds.values())  # of two blocks a stage, its first and the other
    assert list(parts.seconds) == [
        "stem", *(f"stage{stage}.{which}" for stage in range(1, 5) for which in ("first", "rest")), "head",
    ]  # fmt: skip
    assert whole.total / 5 < total < whole.total * 5


def test_a_slow_moment_does_not_count(monkeypatch):
    """A processor that is half as fast now and then: the gauge tells."""
    moment, slowness = 0, [1.0, 1.0, 2.0, 2.0]

    def run(*_):
        nonlocal moment
        moment += 1
        return [3.0 * (slowness[(moment - 1) % 4] + slowness[moment % 4]) / 2]

    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)
    monkeypatch.setattr(timing, "_gauge", lambda clock: lambda: slowness[moment % 4])
    monkeypatch.setattr(timing, "_part_by_part", run)
    found = time_row([], torch.zeros(1), None, "a row")
    assert found.seconds == [3.0] and found.pace == 1.0 and found.repeat == 0


def test_a_busy_machine_is_refused(monkeypatch):
    monkeypatch.setattr(timing, "RUN_SECONDS", 0.0)
    times = itertools.count(1.0)
    monkeypatch.setattr(timing, "_gauge", lambda clock: lambda: 1.0)
    monkeypatch.setattr(timing, "_part_by_part", lambda *_: [next(times)] * 10)
    with pytest.raises(MeasuringError, match="the machine is too busy, so try again when it is idle"):
        time_parts(architecture_of("preactresnet18", Scaling(1, 10, 4)), batch=1)


def test_devices_that_are_not_there_are_named():
    architecture = architecture_of("preactresnet18", Scaling(1, 1, 4))
    with pytest.raises(UserError, match="unknown device 'tpu'"):
        time_network(architecture, "tpu")
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="PyTorch finds no CUDA device here"):
            time_network(architecture, "cuda")
