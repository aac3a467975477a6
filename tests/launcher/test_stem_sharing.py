"""`launcher/stem_sharing.py`: schedules and the experiment, from files to files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from launcher import stem_sharing
from models.encoders.config import EncoderConfig
from rllib_envs.stem_sharing.nets import NOBODY
from rllib_envs.stem_sharing.problem import StemSharing
from tests.models.toy_policies import untrained
from tests.rllib_envs.stem_sharing.tasks import three_applications


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        stem_sharing.main(list(arguments))
        raise SystemExit(0)
    return int(ended.value.code or 0)


@pytest.fixture
def setup(tmp_path: Path) -> Path:
    task = three_applications()
    path = tmp_path / "setup.json"
    content = {
        "apps": [app.to_spec() for app in task.applications],
        "video_desc": {"stream_fps": 15},
        "model_desc": task.network.to_spec(),
    }
    path.write_text(json.dumps(content))
    return path


def test_a_schedule_becomes_nets(setup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    emitted = tmp_path / "nets.json"
    given = ("schedule", str(setup), "--budget", "400", "--event-length", "compatible", "--emit", str(emitted))
    assert run(*given) == 0
    printed = capsys.readouterr().out
    assert "mean F1 0.8710" in printed and "of 400" in printed
    deployed = json.loads(emitted.read_text())
    assert {net["app_id"] for net in deployed} == {NOBODY, "app_0", "app_1", "app_2"}
    assert all(net["parent_id"] < net["net_id"] for net in deployed)


def test_a_benchmark_is_a_setup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "three.json"
    path.write_text(three_applications().to_benchmark("three").to_json())
    assert run("schedule", str(path), "-b", "400", "--mode", "maxsharing") == 0
    assert "app_2" in capsys.readouterr().out


def test_a_policy_schedules_where_there_is_one(
    setup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOP_TOOL_ROOT", raising=False)
    given = ("schedule", str(setup), "-b", "400", "--scheduler", "policy")
    assert run(*given) == 2
    assert "no policy for 'stem_sharing' in runs/" in capsys.readouterr().err
    untrained("actor_critic", EncoderConfig("scorer"), problem=StemSharing()).save(tmp_path / "runs" / "one" / "policy")
    assert run(*given) == 0
    assert "of 400" in capsys.readouterr().out


def test_the_experiment_compares_three_ways(setup: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prefix = tmp_path / "results" / "night"
    assert run("experiment", "4", str(prefix), "--setup", str(setup), "-b", "200") == 0
    rows = {}
    for version in ("mainstream", "nosharing", "maxsharing"):
        lines = Path(f"{prefix}-{version}").read_text().splitlines()
        rows[version] = [[float(cell) for cell in line.split(",")] for line in lines]
        for size, row in zip((2, 3, 4), rows[version], strict=True):
            assert row[0] == size and len(row) == 4 + 2 * size
    assert {cell for row in rows["nosharing"] for cell in row[4 : 4 + int(row[0])]} == {1.0}
    assert Path(f"{prefix}.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out.splitlines()
    shares, alone, most = (float(cell) for cell in next(line for line in printed if line.split()[0] == "4").split()[1:])
    assert shares >= max(alone, most)


def test_files_of_a_trainer_take_the_place_of_applications(setup: Path, tmp_path: Path) -> None:
    files = []
    for name in ("bus", "car"):
        path = tmp_path / f"{name}-accuracy"
        path.write_text("10,0.9000,0.1000\n40,0.8000,0.1500\n1,0.9500,0.0500\n")
        files.append(str(path))
    assert run("experiment", "2", str(tmp_path / "x"), "--setup", str(setup), "-d", *files, "-b", "100") == 0
    (row,) = (tmp_path / "x-mainstream").read_text().splitlines()
    assert {float(cell) for cell in row.split(",")[4:6]} <= {1, 10, 40}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("schedule", "SETUP", "-b", "10"), "a budget of 10 is too little for 3 applications"),
        (("schedule", "SETUP", "--metric", "f2"), "did you mean 'f1'"),
        (("schedule", "SETUP", "--mode", "mainstraem"), "did you mean 'mainstream'"),
        (("schedule", "SETUP", "--agg", "mean"), "unknown --agg 'mean'"),
        (("schedule", "missing.json"), "missing.json does not exist"),
        (("experiment", "0", "x", "--setup", "SETUP"), "num_apps"),
        (("experiment", "2", "bad/x/y", "--setup", "SETUP"), "can't be made"),
        (("experiment", "2", "..", "--setup", "SETUP"), "it needs a name"),
        (("experiment", "2", "x"), "--setup is missing"),
        (("experiment", "2", "x", "--setup", "SETUP", "-d", "BAD"), "line 2 is '3,high,0.1'"),
    ],
)
def test_bad_input(
    setup: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad").write_text("1,0.5,0.1\n3,high,0.1\n")
    places = {"SETUP": str(setup), "BAD": "bad"}
    assert run(*(places.get(argument, argument) for argument in arguments)) == 2
    told = capsys.readouterr().err
    assert message in told and told.startswith("error: ") and told.count("\n") == 1
