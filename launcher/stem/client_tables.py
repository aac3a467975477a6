"""What a server of jobs knows, as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.table import Table

from launcher.tables import print_table
from rllib_envs.stem_sharing.application import Application


def show_apps(apps: Mapping[str, Mapping[str, Any]]) -> None:
    rows = []
    for name, app in apps.items():
        variants = Application.from_spec(app["spec"]).variants
        points = f"{variants[0].freeze_point} to {variants[-1].freeze_point} ({len(variants)})"
        rows.append((name, points, f"{max(one.hit for one in variants):.4f}", app["model_dir"]))
    _print(("application", "freeze points", "best accuracy", "models"), rows)


def show_variants(name: str, app: Mapping[str, Any]) -> None:
    rows = [
        (str(point), f"{hit:.4f}", f"{alarm:.4f}", path)
        for point, hit, alarm, path in Application.from_spec(app["spec"]).variants
    ]
    _print(("freeze point", "accuracy", "false positives", "model"), rows)
    latencies = "measured" if app["model_desc"] else "not measured"
    print(f"application {name}, job {app['job']}, models in {app['model_dir']}, latencies {latencies}")


def show_jobs(counts: Mapping[str, Mapping[str, int]], jobs: Sequence[Mapping[str, Any]]) -> None:
    _print(
        ("job", "kind", "application", "state", "submitted", "took", ""),
        [
            (job["id"], job["kind"], job["name"], job["state"], _time(job, "submitted"), _took(job), job["error"])
            for job in jobs
        ],
    )
    print(", ".join(f"{kind}: {of['queued']} wait, {of['running']} run" for kind, of in counts.items()))


def show_job(job: Mapping[str, Any]) -> None:
    for line in job["lines"]:
        print(f"  {line}")
    what = f"{job['kind']} {job['name']}".rstrip()
    done = f", {job['points_done']} freeze points done" if job["points_done"] else ""
    done += f", started {job['runs']} times" if job.get("runs", 1) > 1 else ""
    error = f": {job['error']}" if job["error"] else ""
    print(f"job {job['id']}, {what}, since {_time(job, 'submitted')}: {job['state']}{done}{error}")


def _print(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    print_table(table)


def _time(job: Mapping[str, Any], which: str) -> str:
    return f"{datetime.fromtimestamp(job[which] / 1000):%Y-%m-%d %H:%M:%S}"


def _took(job: Mapping[str, Any]) -> str:
    if "started" not in job or "ended" not in job:
        return ""
    return f"{(job['ended'] - job['started']) / 1000:.1f} s"
