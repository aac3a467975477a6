"""Bringing to Weights & Biases what of a run is not there yet.

The run directory is the truth, and a mirror is made from it alone: while the run trains by a process beside it, or
afterwards by `tunewright sync`. Either can be killed at any moment and done again. What has arrived stays once: the
server says how far its metrics go, and takes an artifact of the same content only once.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from launcher.tracking.figures import figures
from launcher.tracking.mirrored import Mirrored
from launcher.tracking.settings import client_settings, interface, load_wandb, one_line
from models.store.atomic import read_json
from models.store.manifest import read_summary
from models.store.run_directory import METRICS, RECORD, RunDirectory
from rllib_envs.errors import TunewrightError

CHECKPOINT, SUITE, REPORT = "checkpoint", "suite", "report"
"""Types of artifacts."""
CONFIG = ("config", "settings", "trainer_settings", "suite_hash", "versions", "hardware")
"""Of the run's record, what is shown as its configuration."""
REPORT_PAGE, FIGURES = "report.html", "summary.json"
UPLOAD_LIMIT_S = 1800
"""For one checkpoint or report."""
CONFIRM_LIMIT_S, CONFIRM_POLL_S = 30.0, 1.0
"""For the server to show what it has taken, which it does some seconds later."""
SUMMARY = ("iteration", "env_steps", "seconds", "return_mean", "speedup_mean", "best_speedup")
"""Of the last iteration, for a dashboard's table of runs."""


class MirrorFailed(TunewrightError):
    """Weights & Biases could not be reached or has refused; the run directory still has everything."""


class Mirror:
    """One connection to a run at Weights & Biases, for as long as the block that it is used in."""

    def __init__(self, run: RunDirectory, key: str, owner: int) -> None:
        """`owner` is the process whose use of the machine is shown."""
        mirrored = Mirrored.of(run.path)
        assert mirrored is not None, f"{run.path} is to have no mirror"
        self.run, self.mirrored = run, mirrored
        self._key, self._owner = key, owner
        self._place = 0
        """In the file of metrics: what is before it has been handed over."""
        self._last: dict[str, Any] = {}
        self._suite_used = False
        self.succeeded = True
        """Whether the training is shown as finished at the end of the block, or else as failed."""

    def __enter__(self) -> Mirror:
        wandb = load_wandb()
        mirrored, record = self.mirrored, self.run.record
        try:
            self._wandb_run = wandb.init(
                entity=mirrored.entity or None,
                project=mirrored.project,
                id=mirrored.id,
                resume="must" if mirrored.url else "allow",
                name=self.run.name,
                notes=f"goes on from {mirrored.forked_from}" if mirrored.forked_from else None,
                group=mirrored.group or None,
                tags=mirrored.tags or None,
                config={name: record[name] for name in CONFIG if name in record},
                settings=client_settings(self.run.path, self._key, self._owner),
            )
        except (wandb.Error, OSError) as error:
            raise MirrorFailed(f"can't go to Weights & Biases: {one_line(error)}") from error
        self._note(url=self._wandb_run.url, entity=self._wandb_run.entity)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hand over what is waiting. Raises MirrorFailed where that takes too long."""
        try:
            self._wandb_run.finish(exit_code=0 if self.succeeded and kind is None else 1)
        except (load_wandb().Error, TimeoutError, OSError) as failure:
            raise MirrorFailed(f"what was handed over has not arrived: {one_line(failure)}") from failure

    def confirm(self) -> None:
        """After the block: hold what the server has against the run, for its client tells of no refusal.

        Artifacts were confirmed one by one. Raises MirrorFailed.
        """
        wandb, mirrored = load_wandb(), self.mirrored
        wanted, shown, until = self._last.get("iteration", 0), 0, time.monotonic() + CONFIRM_LIMIT_S
        try:
            while shown < wanted:
                if time.monotonic() > until:
                    raise MirrorFailed(f"the server has iterations up to {shown} of {wanted}")
                shown = (
                    interface(self._key).run(f"{mirrored.entity}/{mirrored.project}/{mirrored.id}").lastHistoryStep or 0
                )
                time.sleep(0.0 if shown >= wanted else CONFIRM_POLL_S)
        except (wandb.Error, ValueError, OSError) as error:
            raise MirrorFailed(f"it can't be seen what has arrived: {one_line(error)}") from error
        self._note(complete=True)

    def update(self) -> None:
        """Bring what is new. Raises MirrorFailed where that can't be done; the next call tries the same again."""
        wandb = load_wandb()
        try:
            if not self._suite_used:
                self._use_suite()
            self._update_metrics()
            self._update_checkpoints()
            self._update_report()
        except (wandb.Error, OSError, ValueError) as error:
            raise MirrorFailed(f"can't bring {self.run.path} to Weights & Biases: {one_line(error)}") from error

    def _update_metrics(self) -> None:
        """Those of iterations that the server doesn't have. Those that were done again stay as they were first."""
        with (self.run.path / METRICS).open("rb") as file:
            file.seek(self._place)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._place += len(line)
                self._last = json.loads(line)
                if self._last["iteration"] >= self._wandb_run.starting_step:
                    self._wandb_run.log(figures(self._last), step=self._last["iteration"])
        self._wandb_run.summary.update({name: self._last[name] for name in SUMMARY if self._last.get(name) is not None})

    def _update_checkpoints(self) -> None:
        """The newest and the best as artifacts, with the run's record and metrics: a run can be made of each."""
        checkpoints = self.run.checkpoints
        newest, best = checkpoints.last(), checkpoints.best()
        for path in dict.fromkeys((best, newest)):
            if path is not None and path.name not in self.mirrored.checkpoints:
                aliases = [f"iter-{int(path.name.partition('-')[0])}"]
                aliases += ["latest"] * (path == newest) + ["best"] * (path == best)
                self._update_checkpoint(path, aliases)

    def _update_checkpoint(self, path: Path, aliases: list[str]) -> None:
        artifact = load_wandb().Artifact(f"{CHECKPOINT}-{self.mirrored.id}", CHECKPOINT, metadata=_summary(path))
        try:
            for file in (*sorted(path.iterdir()), self.run.path / RECORD, self.run.path / METRICS):
                artifact.add_file(str(file), name=file.name)  # a copy: the next checkpoint may take this one's place
        except (FileNotFoundError, ValueError):
            return  # it has
        self._send(artifact, aliases)
        self._note(checkpoints={**self.mirrored.checkpoints, path.name: artifact.version})

    def _update_report(self) -> None:
        """Tables and figures of the comparison on held-out benchmarks, once it is written."""
        page = self.run.report / REPORT_PAGE
        if not page.exists():
            return
        content = page.read_text()
        digest = hashlib.sha256(content.encode()).hexdigest()
        if digest == self.mirrored.report:
            return
        wandb = load_wandb()
        artifact = wandb.Artifact(f"{REPORT}-{self.mirrored.id}", REPORT)
        artifact.add_dir(str(self.run.report))
        self._send(artifact, ["latest"])
        shown: dict[str, Any] = {"report": wandb.Html(content, inject=False)}
        shown |= {picture.stem: wandb.Image(str(picture)) for picture in sorted(self.run.report.glob("*.png"))}
        shown |= {table.stem: _table(table) for table in sorted(self.run.report.glob("*.csv"))}
        self._wandb_run.log({f"evaluation/{name}": value for name, value in shown.items()})
        speedups = read_json(self.run.report / FIGURES, "the figures of a comparison")
        self._wandb_run.summary.update({f"speedup/{name}": each["speedup"] for name, each in speedups.items()})
        self._note(report=digest)

    def _use_suite(self) -> None:
        """The checkpoints' lineage: the benchmarks that were trained on, as an artifact that all their runs share."""
        record = self.run.record
        name = re.sub(r"[^A-Za-z0-9_.-]+", "_", Path(record["config"]["dataset"]).name)
        artifact = load_wandb().Artifact(f"{SUITE}-{name}", SUITE, metadata={"hash": record["suite_hash"]})
        with artifact.new_file("suite.json") as file:
            json.dump({"name": name, "hash": record["suite_hash"]}, file)
        self._wandb_run.use_artifact(artifact)
        self._suite_used = True

    def _send(self, artifact: Any, aliases: list[str]) -> None:
        """Return when the server has it all."""
        self._wandb_run.log_artifact(artifact, aliases=aliases)
        artifact.wait(timeout=UPLOAD_LIMIT_S)

    def _note(self, **changes: Any) -> None:
        self.mirrored = self.mirrored.succeeded(**changes)
        self.mirrored.write(self.run.path)


def _summary(checkpoint: Path) -> dict[str, Any]:
    return {"iteration": int(checkpoint.name.partition("-")[0]), **read_summary(checkpoint)}


def _table(path: Path) -> Any:
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    return load_wandb().Table(columns=header, data=[[_value(cell) for cell in row] for row in rows])


def _value(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
