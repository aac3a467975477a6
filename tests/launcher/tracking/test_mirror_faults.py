"""A mirror whose server is slow, fails or refuses, or whose processes are killed: training is not held up, and what is
missing comes later, once."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from launcher.tracking.client_folder import CLIENT_FOLDER
from launcher.tracking.live_mirror import LiveMirror
from launcher.tracking.mirror import ROWS_AHEAD
from launcher.tracking.mirrored import Mirrored
from models.store.run_directory import RunDirectory
from tests.devclusters import wait_until
from tests.launcher.tracking.conftest import PATIENCE_S, Tracked
from tests.launcher.tracking.written_run import (
    LEARNER_BYTES,
    WrittenRun,
    checkpoints,
    each_once,
    impatient,
    mirror,
    same_checkpoint,
    same_curves,
)
from tests.processes import command_lines, left_of
from tests.wandb_server import WandbServer, faults
from tests.wandb_server.client import IMPATIENT
from tests.wandb_server.faults import Fault
from tests.wandb_server.messages import FILE_STREAM, UPLOAD


@pytest.fixture
def written(server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WrittenRun:
    """A run whose mirror is at the server."""
    for name, value in impatient(server, tmp_path, WANDB_FINISH_TIMEOUT="40").items():
        monkeypatch.setenv(name, value)
    return WrittenRun(tmp_path / "run")


def holding(run: Path) -> list[int]:
    """Sizes of the files that the client has for itself."""
    sizes = []
    for folder, _, names in os.walk(run / CLIENT_FOLDER):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # it is removed at this moment
                sizes.append(Path(folder, name).stat().st_size)
    return sizes


def test_a_server_that_recovers_has_everything_once(
    server: WandbServer, written: WrittenRun, capsys: pytest.CaptureFixture[str]
) -> None:
    with LiveMirror(written.path, server.api_key):
        written.iterate(2)
        written.save()
        wait_until(lambda: written.known.checkpoints, "the first checkpoint")
        assert LEARNER_BYTES not in holding(written.path), "what has arrived is kept twice"
        for fault in (faults.slow(1.0), faults.INTERNAL_ERROR, faults.RATE_LIMITED):
            before = len(server.requests)
            with server.faulty(fault):
                written.iterate(2)
                written.save()
                wait_until(lambda before=before: len(server.requests) > before + 3, "requests that suffer")
        wait_until(lambda: written.run.last_checkpoint().name in written.known.checkpoints, "the last checkpoint")
        failures = written.known.failures
        with server.faulty(faults.CUT_ANSWER, "CommitArtifact"):
            written.iterate()
            written.save()
            wait_until(lambda: written.known.failures > failures, "an answer that is lost")
            name = written.run.last_checkpoint().name
            written.iterate()  # which must not make another version of the checkpoint
        wait_until(lambda: name in written.known.checkpoints, "the checkpoint is found to be there")
        with server.down():
            written.iterate()
            written.save()
            time.sleep(1.5)
    assert written.known.complete and not written.known.failures
    assert f"Weights & Biases: {written.known.url}" in capsys.readouterr().out
    same_curves(server, written.path)
    same_checkpoint(server, written.path)
    each_once(server, written.path)
    assert sum(holding(written.path)) < LEARNER_BYTES


MANY_ROWS = ROWS_AHEAD * 3 // 2


class Case(NamedTuple):
    """A fault that a mirror meets, from when it is connected or from its start, until its end."""

    fault: Fault | None
    """None: the server is down."""
    only: tuple[str, ...]
    message: str
    rows: int = 1
    """Iterations at once while the fault is on."""
    from_start: bool = False
    failures: int = 1
    """To be waited for before the end."""


CASES = {
    "the key has expired": Case(faults.UNAUTHORIZED, (), "the key is not accepted, perhaps it has expired"),
    "no permission": Case(faults.FORBIDDEN, (), "this account may not do that"),
    "no permission for metrics": Case(faults.FORBIDDEN, (FILE_STREAM,), "metrics are refused: this account may not"),
    "quota exceeded": Case(faults.QUOTA_EXCEEDED, ("CreateArtifact",), "the storage or the quota there is used up"),
    "no room for a file": Case(faults.TOO_LARGE, (UPLOAD,), "a file is larger than the server takes"),
    "down": Case(None, (), "the server is not reached", from_start=True, failures=3),
    "metrics are not taken": Case(
        faults.INTERNAL_ERROR, (FILE_STREAM,), f"iterations up to 0 of {ROWS_AHEAD}", MANY_ROWS, from_start=True
    ),
}


class Met(NamedTuple):
    """What came of one."""

    written: WrittenRun
    error: str
    """What was noted before the end."""
    most_held: int
    """Bytes that the client has had for itself."""


def meet(case: Case, written: WrittenRun, server: WandbServer, live: LiveMirror) -> Met:
    """Write the run, and go on while its mirror fails."""
    most_held, until = 0, time.monotonic() + PATIENCE_S
    with contextlib.ExitStack() as stack, live:
        if not case.from_start:
            written.iterate()
            written.save()
            wait_until(lambda: written.known.checkpoints, "the first checkpoint", PATIENCE_S)
        stack.enter_context(server.down() if case.fault is None else server.faulty(case.fault, *case.only))
        written.iterate(case.rows)
        while written.known.failures < case.failures:
            assert time.monotonic() < until, f"no failure: {case}"
            written.iterate()
            written.save()
            most_held = max(most_held, sum(holding(written.path)))
            time.sleep(0.3)
        return Met(written, written.known.error, most_held)


@pytest.fixture(scope="module")
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory, printed: io.StringIO) -> Mapping[str, Met]:
    """All cases, side by side."""
    folder, running = tmp_path_factory.mktemp("met"), {}
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(CASES)) as threads:
        stack.enter_context(contextlib.redirect_stdout(printed))
        for name, case in CASES.items():
            server = stack.enter_context(WandbServer())
            written = WrittenRun(folder / name.replace(" ", "_"))
            with pytest.MonkeyPatch.context() as patch:
                for variable, value in impatient(server, folder, WANDB_INIT_TIMEOUT="2").items():
                    patch.setenv(variable, value)
                live = LiveMirror(written.path, server.api_key)
            running[name] = threads.submit(meet, case, written, server, live)
        return {name: each.result() for name, each in running.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_costs_one_line_that_says_what_to_do(name: str, met: Mapping[str, Met], printed: io.StringIO) -> None:
    written, error, _ = met[name]
    assert CASES[name].message in error
    known = written.known
    assert known.failures >= CASES[name].failures and not known.complete
    plural = "s" if known.failures > 1 else ""
    (line,) = [line for line in printed.getvalue().splitlines() if line.endswith(f"tunewright sync {written.path}")]
    assert line.startswith(f"Weights & Biases lacks a part of the run ({known.failures} failure{plural}, the last: ")
    assert len(list(written.run.metrics())) == written.iteration


def test_what_waits_for_a_server_does_not_grow(met: Mapping[str, Met]) -> None:
    """Where it is down, nothing of several checkpoints is kept for it. Of metrics, `ROWS_AHEAD` are handed over."""
    down, metrics = met["down"], met["metrics are not taken"]
    assert down.written.iteration > 10 and down.most_held < LEARNER_BYTES
    assert f"of {ROWS_AHEAD}" in metrics.error and metrics.written.iteration > MANY_ROWS


def test_a_damaged_note_harms_nobody(
    server: WandbServer, written: WrittenRun, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_FINISH_TIMEOUT", "5")
    note = written.path / "wandb.json"
    note.write_text("{")
    with LiveMirror(written.path, server.api_key):
        written.iterate()
    line = capsys.readouterr().out
    assert line.startswith("Weights & Biases lacks a part of the run (") and f"{note} can't be read" in line


def test_a_training_whose_mirror_is_refused_ends_well(server: WandbServer, tracked: Tracked) -> None:
    with server.faulty(faults.FORBIDDEN, FILE_STREAM, UPLOAD):
        run, printed = tracked.train("--wandb=online", "--iter=2", **IMPATIENT)  # which asserts exit code 0
    (line,) = [line for line in printed.splitlines() if line.startswith("Weights & Biases")]
    assert "lacks a part of the run (1 failure" in line and "this account may not do that" in line
    assert line.endswith(f"later:  tunewright sync runs/{run.name}")
    assert len(list(RunDirectory.open(run).metrics())) == 2 and not mirror(server, run).history


def mirroring(training: subprocess.Popen[str]) -> dict[int, str]:
    """The mirror's processes: the youngest has the connection."""
    return {pid: line for pid, line in command_lines(training.pid).items() if "mirror_process" in line}


@pytest.mark.slow
def test_what_is_killed_in_an_upload_is_brought_later_once(server: WandbServer, tracked: Tracked) -> None:
    """First the mirror's connection alone, while training goes on; then training itself."""
    settings = ("--iter=100000", "--eval-size=0", "--save-minutes=0", "--trainer-settings", "batch_steps=128")

    def uploads() -> int:
        return sum(request.kind == UPLOAD for request in server.requests)

    def mirrored() -> Mirrored | None:
        return next((Mirrored.of(path.parent) for path in tracked.folder.glob("runs/*/wandb.json")), None)

    with contextlib.ExitStack() as stack:
        train = ("train", f"--dataset={tracked.suite}", "--wandb=online", *settings)
        training = stack.enter_context(tracked.running(*train, **IMPATIENT))
        wait_until(lambda: (known := mirrored()) and known.checkpoints, "the first checkpoint", PATIENCE_S)
        (run,) = tracked.folder.glob("runs/*")
        with server.faulty(faults.slow(1000.0), UPLOAD):
            before = uploads()
            wait_until(lambda: uploads() > before, "an upload")
            for process in mirroring(training):
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2):  # a cluster sends them to all of a job
                    os.kill(process, number)
            time.sleep(0.5)
            before = uploads()
            os.kill(max(mirroring(training)), signal.SIGKILL)
            wait_until(lambda: Mirrored.of(run).failures == 1, "the failure is counted")
            wait_until(lambda: uploads() > before, "another upload")
            left = mirroring(training)
            assert training.poll() is None
            training.kill()
            sync = stack.enter_context(tracked.running("sync", run))
            assert sync.stderr.readline().startswith("waiting for another process that brings")
        printed, wrong = sync.communicate(timeout=PATIENCE_S)
    assert sync.returncode == 0 and Mirrored.of(run).url in printed, wrong
    assert Mirrored.of(run).complete
    same_curves(server, run)
    same_checkpoint(server, run)
    each_once(server, run)
    assert len(checkpoints(server, run)) > 1
    assert not left_of(left)
