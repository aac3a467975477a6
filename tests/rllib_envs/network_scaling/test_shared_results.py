"""Results are shared: whoever comes first trains a candidate, and nobody ever trains it again."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.accuracy_table import AccuracyTable
from rllib_envs.network_scaling.grid import Grid
from rllib_envs.network_scaling.problem import NetworkScaling
from rllib_envs.network_scaling.recording import record_table
from rllib_envs.network_scaling.results import Candidate, Results
from rllib_envs.network_scaling.scaling import Scaling
from rllib_envs.network_scaling.setting import Setting
from rllib_envs.network_scaling.training_setting import TrainingSetting
from rllib_envs.problem import Benchmark, Evaluation

SETTING = Setting("preactresnet18", "digits", TrainingSetting(images=64, validation=20, batch=64))
GRID = Grid((1, 2), (1, 5, 10), (4, 5))
FORK = multiprocessing.get_context("fork")


def candidate(width=1, depth=5, size=4, seed=0):
    return Candidate(SETTING, SETTING.architecture(Scaling(width, depth, size)), seed)


class Noted:
    """Trains nothing, but writes down that it was asked to, in one write."""

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        self.path, self.seconds = path, seconds

    def __call__(self, wanted: Candidate) -> Evaluation:
        with self.path.open("a") as file:
            file.write(wanted.solution + "\n")
        time.sleep(self.seconds)
        return Evaluation(50.0 + wanted.architecture.resolution, "% accuracy", 10.0)

    @property
    def trained(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []


def find_all(path: Path, note: Noted, order: int) -> None:
    results = Results(path)
    for size in list(range(4, 10))[::order]:
        found = results.find_or_train(candidate(size=size), note)
        assert found.value == 50.0 + size


def test_candidates_are_trained_once_by_any_number_of_workers(tmp_path):
    note = Noted(tmp_path / "noted", 0.02)
    workers = [
        FORK.Process(target=find_all, args=(tmp_path / "results.jsonl", note, 1 if number % 2 else -1))
        for number in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert sorted(note.trained) == sorted(candidate(size=size).solution for size in range(4, 10))
    assert (tmp_path / "results.jsonl").read_text().count("\n") == 6


def test_the_work_of_one_that_was_killed_is_taken_over(tmp_path):
    path, note = tmp_path / "results.jsonl", Noted(tmp_path / "noted", 60.0)
    worker = FORK.Process(target=lambda: Results(path).find_or_train(candidate(), note))
    worker.start()
    while not note.trained:
        time.sleep(0.01)
    assert not Results(path).train_unless_taken(candidate(), Noted(tmp_path / "other"))
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert Results(path).find_or_train(candidate(), Noted(tmp_path / "other")).value == 54.0
    assert Noted(tmp_path / "other").trained == [candidate().solution]


def test_scalings_of_one_architecture_are_one_candidate(tmp_path):
    results, note = Results(tmp_path / "results.jsonl"), Noted(tmp_path / "noted")
    for depth in (1, 5, 9):
        results.find_or_train(candidate(depth=depth), note)
    results.find_or_train(candidate(seed=1), note)
    longer = replace(SETTING, training=replace(SETTING.training, epochs=2))
    results.find_or_train(candidate()._replace(setting=longer), note)
    assert len(note.trained) == 3, "another seed and another training are others"


def test_damaged_lines_cost_their_own_training_only(tmp_path):
    path, note = tmp_path / "results.jsonl", Noted(tmp_path / "noted")
    for size in (4, 5, 6):
        Results(path).find_or_train(candidate(size=size), note)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[1][:40] + "\n" + lines[2] + '{"problem": ')
    again = Noted(tmp_path / "again")
    for size in (4, 5, 6):
        assert Results(path).find_or_train(candidate(size=size), again).value == 50.0 + size
    assert again.trained == [candidate(size=5).solution]
    assert lines[0] in path.read_text() and lines[2] in path.read_text()
    with pytest.raises(UserError, match="is no record file"):
        Results(Path(__file__))


def record(path: Path, note: Noted) -> None:
    record_table(AccuracyTable.read(path), note, lambda done, total: None)


def test_tables_are_recorded_together_and_gone_on_with(tmp_path):
    table, note = AccuracyTable(tmp_path / "table.json", SETTING, GRID, 2), Noted(tmp_path / "noted", 0.01)
    table.write()
    assert AccuracyTable.read(table.path) == table
    architectures = 2 * 2 * 2
    candidates = list(table.candidates())
    assert len(candidates) == 2 * architectures, "0.1 and 0.5 are one depth here"
    Results(table.records).find_or_train(candidates[3], note)
    workers = [FORK.Process(target=record, args=(table.path, note)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(note.trained) == sorted(one.solution for one in candidates)
    cells = AccuracyTable.read(table.path).cells
    assert len(cells) == architectures and {cell.mean for cell in cells.values()} == {54.0, 55.0}


def test_recording_tells_how_far_it_is(tmp_path):
    table, told = AccuracyTable(tmp_path / "table.json", SETTING, GRID, 1), []
    table.write()
    record_table(table, Noted(tmp_path / "noted"), lambda done, total: told.append((done, total)))
    assert told == [(0, 8), *((done, 8) for done in range(1, 9)), (8, 8)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"accuracy_table": 2}, "another version"),
        ({"seeds": 0}, "0 seeds"),
        ({"setting": {"network": "vgg", "data": "digits"}}, "unknown network 'vgg'"),
        ({"setting": {"network": "preactresnet18", "data": "digits", "lr": 1}}, "no setting of network scaling"),
        ({"grid": []}, "this is no grid"),
    ],
)
def test_tables_that_make_no_sense_are_named(change, message, tmp_path):
    path = tmp_path / "table.json"
    AccuracyTable(path, SETTING, GRID, 1).write()
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UserError) as refused:
        AccuracyTable.read(path)
    assert message in str(refused.value) and str(path) in str(refused.value)


def test_a_live_problem_trains_what_is_not_known_and_shares_it(tmp_path):
    spec = {"setting": SETTING.to_json(), "grid": GRID.to_json(), "platform": "raspberrypi", "latency": 1, "memory": 9}
    benchmark = Benchmark("live", "network_scaling", {**spec, "seeds": 2, "start": [0.1, 0.1, 4]})
    problem = NetworkScaling(live=True, folder=str(tmp_path))
    found = problem.evaluate(problem.initial(benchmark))
    assert found.verified and "trained for 1 epochs" in found.how and problem.results.path.parent == tmp_path
    lines = problem.results.path.read_text().splitlines()
    assert [json.loads(line)["solution"][-6:] for line in lines] == ["seed 0", "seed 1"]
    other = NetworkScaling(live=True, folder=str(tmp_path), images="/nowhere")
    assert other.evaluate(other.initial(benchmark)) == found
    assert problem.results.path.read_text().splitlines() == lines
