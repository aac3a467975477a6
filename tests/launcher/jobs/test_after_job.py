"""Which jobs are queued again."""

from __future__ import annotations

from pathlib import Path

import pytest

from launcher.jobs.after_job import MOST_ATTEMPTS, REQUEUE_STATUS, job_name, main, reason_to_requeue, status_of_job


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checkpoints").mkdir()
    return tmp_path


def reason(status: int, folder: Path) -> str:
    return reason_to_requeue(status, "7", folder, folder)


def test_a_job_that_has_saved_is_queued_again_without_end(folder: Path) -> None:
    for iteration in range(10):
        (folder / "checkpoints" / f"{iteration:06}").mkdir()
        assert "its time is up" in reason(REQUEUE_STATUS, folder)


def test_one_whose_time_is_always_too_short_for_a_checkpoint_is_not(folder: Path) -> None:
    reasons = [reason(REQUEUE_STATUS, folder) for _ in range(MOST_ATTEMPTS + 1)]
    assert [bool(each) for each in reasons] == [True] * MOST_ATTEMPTS + [False]


def test_a_job_that_is_done_is_not(folder: Path) -> None:
    assert reason(0, folder) == ""


def test_neither_is_one_whose_program_has_failed_by_itself(folder: Path) -> None:
    (folder / "7_0_result.pkl").touch()
    assert reason(1, folder) == ""


@pytest.mark.parametrize("told", ["slurmstepd: error: Detected 1 oom-kill event(s)", "exceeded memory limit"])
def test_neither_is_one_that_ran_out_of_memory(told: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "7_1_log.err").write_text(f"{told}\n")
    assert reason(137, folder) == ""
    assert "--mem" in capsys.readouterr().out


def test_a_killed_job_is_tried_again_three_times(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reasons = [reason(137, folder) for _ in range(MOST_ATTEMPTS + 1)]
    assert [bool(each) for each in reasons] == [True] * MOST_ATTEMPTS + [False]
    assert "without saving anything new" in capsys.readouterr().out


def test_a_checkpoint_makes_the_count_begin_anew(folder: Path) -> None:
    for iteration in range(3 * MOST_ATTEMPTS):
        (folder / "checkpoints" / f"{iteration:06}").mkdir()
        assert "attempt 1" in reason(137, folder)


def test_elements_of_an_array_are_counted_apart(folder: Path) -> None:
    for _ in range(MOST_ATTEMPTS):
        reason_to_requeue(137, "7_0", folder, folder)
    assert "attempt 1" in reason_to_requeue(137, "7_1", folder, folder)


def test_a_lost_worker_is_no_failure_of_a_job_that_has_returned(folder: Path) -> None:
    assert status_of_job(1, "7", folder) == 1
    (folder / "7_returned").touch()
    assert status_of_job(1, "7", folder) == 0


def test_neither_is_one_that_was_cancelled(folder: Path) -> None:
    (folder / "7_cancelled").touch()
    assert reason(REQUEUE_STATUS, folder) == "" and not list(folder.glob("*_attempts"))


def test_the_last_attempt_is_final_where_the_user_wants_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)
    assert main(["85", str(folder), str(folder), "--final"]) == 85
    assert not list(folder.glob("*_attempts"))


def test_name_of_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)
    assert job_name() == "12"
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "10")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    assert job_name() == "10_2"
