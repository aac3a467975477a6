"""Bringing to Weights & Biases what of a run is not there yet.

The run directory is the truth, and a mirror is made from it alone: while the run trains by a process beside it, or
afterwards by `tunewright sync`. Either can be killed at any moment and done again. What has arrived stays once: the
server says how far its metrics go, and takes an artifact of the same content only once.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any

from launcher.tracking.advice import explained
from launcher.tracking.artifacts import REPORT_PAGE, checkpoint_artifact, media, report_artifact, suite_artifact
from launcher.tracking.client_folder import client_folder, remove_leftovers
from launcher.tracking.client_log import ClientLog
from launcher.tracking.figures import figures
from launcher.tracking.mirrored import Mirrored, MirrorFailed, shown_name
from launcher.tracking.settings import client_errors, client_settings, finish_limit_s, interface, load_wandb, one_line
from models.store.atomic import read_json
from models.store.run_directory import METRICS, RunDirectory

CONFIG = ("config", "settings", "trainer_settings", "suite_hash", "versions", "hardware")
"""Of the run's record, what is shown as its configuration."""
FIGURES = "summary.json"
UPLOAD_LIMIT_S = 1800
"""For one checkpoint or report."""
CONFIRM_SHARE, CONFIRM_POLL_S = 0.5, 1.0
"""Of the limit for the end: for the server to show what it has taken, which it does some seconds later."""
ROWS_AHEAD = 10_000
"""So many iterations, a few megabytes in the client's memory and log, are handed over before the server has them."""
SUMMARY = ("iteration", "env_steps", "seconds", "return_mean", "speedup_mean", "best_speedup")
"""Of the last iteration, for a dashboard's table of runs."""


class Mirror:
    """One connection to a run at Weights & Biases, for as long as the block that it is used in.

    Where the block ends without an error, everything has arrived.
    """

    def __init__(self, run: RunDirectory, key: str, owner: int) -> None:
        """`owner` is the process whose use of the machine is shown."""
        self.run = run
        self._key, self._owner = key, owner
        self._log = ClientLog(run.path)
        self._place = 0
        """In the file of metrics: what is before it has been handed over."""
        self._last: dict[str, Any] = {}
        self._row_is_open = False
        """Whether the last iteration's row can still be added to."""
        self._ahead = 0
        self._suite_used = False
        self._report = ""
        self.succeeded = True
        """Whether the training is shown as finished at the end of the block, or else as failed."""

    def __enter__(self) -> Mirror:
        with ExitStack() as stack:
            self._folder = stack.enter_context(client_folder(self.run.path))
            mirrored = Mirrored.of(self.run.path)
            assert mirrored is not None, f"{self.run.path} is to have no mirror"
            self.mirrored = replace(mirrored, complete=False)
            with self._explained("can't go to Weights & Biases"):
                self._wandb_run = load_wandb().init(**self._identity())
            self._note(url=self._wandb_run.url, entity=self._wandb_run.entity)
            self._opened = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand over what is waiting, and hold what the server has against the run. Raises MirrorFailed."""
        with self._opened:
            if kind is not None:
                with suppress(*client_errors()):  # the block's own error says more
                    self._wandb_run.finish(exit_code=1)
                return
            with self._explained("what was handed over has not arrived"):
                self._wandb_run.finish(exit_code=0 if self.succeeded else 1)
            self._wait_for(self._last.get("iteration", 0))
            self._note(complete=True, failures=0, error="", report=self._report or self.mirrored.report)
            remove_leftovers(self._folder)

    def update(self) -> None:
        """Bring what is new. Raises MirrorFailed where that can't be done; the next call tries the same again."""
        with self._explained(f"can't bring {self.run.path} to Weights & Biases"):
            self._update_metrics()
            self._use_suite()
            self._update_checkpoints()
            self._update_report()
        self._check_log()

    def _identity(self) -> dict[str, Any]:
        """What the run is at the server."""
        mirrored, record = self.mirrored, self.run.record
        return {
            "entity": mirrored.entity or None,
            "project": mirrored.project,
            "id": mirrored.id,
            "resume": "must" if mirrored.url else "allow",
            "name": shown_name(self.run.path),
            "notes": f"goes on from {mirrored.forked_from}" if mirrored.forked_from else None,
            "group": mirrored.group or None,
            "tags": mirrored.tags or None,
            "config": {name: record[name] for name in CONFIG if name in record},
            "settings": client_settings(self._folder, self._key, self._owner),
        }

    def _update_metrics(self) -> None:
        """Those of iterations that the server doesn't have. Those that were done again stay as they were first."""
        place = self._place
        with (self.run.path / METRICS).open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._place += len(line)
                before, self._last = self._last, json.loads(line)
                if self._last["iteration"] >= self._wandb_run.starting_step:
                    self._wandb_run.log(figures(self._last), step=self._last["iteration"])
                    self._row_is_open = True
                    self._ahead += 1
                if self._ahead > ROWS_AHEAD:
                    self._wait_for(before["iteration"])
                    self._ahead = 0
        if self._place > place:
            shown = {name: self._last[name] for name in SUMMARY if self._last.get(name) is not None}
            self._wandb_run.summary.update(shown)

    def _use_suite(self) -> None:
        """The checkpoints' lineage: the benchmarks that were trained on, as an artifact that all their runs share."""
        if not self._suite_used:
            self._wandb_run.use_artifact(suite_artifact(self.run.record, self._folder))
            self._suite_used = True

    def _update_checkpoints(self) -> None:
        """The newest and the best as artifacts, with the run's record and metrics: a run can be made of each."""
        checkpoints = self.run.checkpoints
        newest, best = checkpoints.last(), checkpoints.best()
        for path in dict.fromkeys((best, newest)):
            if path is None or path.name in self.mirrored.checkpoints:
                continue
            artifact = checkpoint_artifact(self.mirrored.id, path, self.run, self._folder)
            if artifact is not None:
                aliases = [f"iter-{int(path.name.partition('-')[0])}"]
                aliases += ["latest"] * (path == newest) + ["best"] * (path == best)
                self._send(artifact, aliases)
                self._note(checkpoints={**self.mirrored.checkpoints, path.name: artifact.version})

    def _update_report(self) -> None:
        """Tables and figures of the comparison on held-out benchmarks, once it is written."""
        page = self.run.report / REPORT_PAGE
        if not page.exists():
            return
        digest = hashlib.sha256(page.read_bytes()).hexdigest()
        if digest in (self.mirrored.report, self._report):
            return
        self._send(report_artifact(self.mirrored.id, self.run.report), ["latest"])
        shown = {f"evaluation/{name}": value for name, value in media(self.run.report).items()}
        if self._row_is_open:
            self._wandb_run.log(shown)
            self._row_is_open = False
        else:
            # A row is an iteration's: one of its own for the report would be in the next iteration's place.
            self._wandb_run.summary.update(shown)
        speedups = read_json(self.run.report / FIGURES, "the figures of a comparison")
        self._wandb_run.summary.update({f"speedup/{name}": each["speedup"] for name, each in speedups.items()})
        self._report = digest

    def _send(self, artifact: Any, aliases: list[str]) -> None:
        """Return when the server has it all."""
        self._wandb_run.log_artifact(artifact, aliases=aliases)
        artifact.wait(timeout=UPLOAD_LIMIT_S)

    def _wait_for(self, iteration: int) -> None:
        """Until the server shows this iteration, for its client tells of no refusal. Raises MirrorFailed."""
        path = f"{self.mirrored.entity}/{self.mirrored.project}/{self.mirrored.id}"
        shown, until = 0, time.monotonic() + CONFIRM_SHARE * finish_limit_s()
        while shown < iteration:
            self._check_log()
            if time.monotonic() > until:
                raise MirrorFailed(f"the server shows iterations up to {max(shown, 0)} of {iteration}")
            with self._explained("it can't be seen what has arrived"):
                shown = interface(self._key).run(path).lastHistoryStep or 0
            time.sleep(0.0 if shown >= iteration else CONFIRM_POLL_S)

    def _check_log(self) -> None:
        """Raises MirrorFailed where the client has given up to send metrics."""
        if self._log.read().gave_up:
            raise MirrorFailed(f"metrics are refused: {explained(self._log.gave_up)}")

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """What the client raises becomes MirrorFailed: `what`, why, and what to do."""
        try:
            yield
        except client_errors() as error:
            raise MirrorFailed(f"{what}: {explained(one_line(error), self._log.read().failed)}") from error

    def _note(self, **changes: Any) -> None:
        self.mirrored = replace(self.mirrored, **changes)
        self.mirrored.write(self.run.path)
