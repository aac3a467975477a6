"""A dashboard shows every figure that there is, and none that there isn't; the real library makes it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import matplotlib
import pytest

from launcher.tracking.figures import figures
from launcher.tracking.mirrored import Mirrored
from launcher.tracking.panels import COLUMNS, CURVES, HELD_OUT, SYSTEM
from models.apex_dqn.meter import Meter
from models.training import LOSSES, Progress
from tests.conftest import ROOT
from tests.launcher.tracking.conftest import Tracked
from tests.wandb_server import WandbServer
from tests.wandb_server.client import Client
from tests.wandb_server.faults import FORBIDDEN
from tests.wandb_server.state import Run, View

ASK = """
import os
from launcher.dashboard import DashboardConfig, run_dashboard
from rllib_envs.errors import UserError

def refusal(**options):
    try:
        run_dashboard(DashboardConfig(**options))
    except UserError as error:
        return str(error)
"""


@pytest.fixture
def client(server: WandbServer, tmp_path: Path) -> Iterator[Client]:
    """A process of ours on a machine without a key."""
    environment = {**server.environment(tmp_path), "PYTHONPATH": str(ROOT), "LOOP_TOOL_ROOT": "", "WANDB_API_KEY": ""}
    with Client(environment, tmp_path) as client:
        client.do(ASK)
        yield client


def test_each_figure_of_a_training_has_a_panel() -> None:
    row = {field.name: 1 for field in fields(Progress)}
    apex = Meter().figures([], prefetched=0, lost_samples=0, in_flight=0)
    known = figures({**row, "losses": dict.fromkeys(LOSSES, 1.0), "figures": apex})
    shown = [name for panels in CURVES.values() for names in panels.values() for name in names]
    assert sorted(shown) == sorted(known)


def sections_of(view: View) -> dict[str, list[dict[str, Any]]]:
    """The panels by section, as the server has them."""
    banks = json.loads(view.spec)["section"]["panelBankConfig"]["sections"]
    return {bank["name"]: bank["panels"] for bank in banks}


@pytest.mark.slow
def test_one_command_makes_it_of_what_a_run_has_brought(server: WandbServer, tracked: Tracked, client: Client) -> None:
    evaluated = ("--eval-size=1", "--eval-time=0.05", "--trainer-settings", "batch_steps=128", "epochs=1")
    options = (f"--dataset={tracked.suite}", "--wandb=online", "--iter=1", *evaluated)
    often = {"WANDB_X_STATS_SAMPLING_INTERVAL": "0.5"}  # what a processor does is known from the second sample on
    trained = tracked.run("train", *options, MPLCONFIGDIR=matplotlib.get_configdir(), **often)
    assert trained.returncode == 0, trained.stderr
    (folder,) = tracked.folder.glob("runs/*")
    known = Mirrored.of(folder)
    run = server.run(f"{known.entity}/{known.project}/{known.id}")
    brought = {key for row in run.history for key in row}
    assert set(COLUMNS) <= set(run.summary)
    measured = {key.replace("system.", "system/", 1) for row in run.events for key in row}
    assert {name for names in SYSTEM.values() for name in names if "gpu" not in name} <= measured

    made = tracked.run("dashboard", "--project=tunewright", "--entity=lab", "--problem=toy")
    assert made.returncode == 0, made.stderr
    (view,) = server.state.views.values()
    address = f"{server.url}/lab/tunewright?nw={view.name.removeprefix('nw-').removesuffix('-v')}"
    assert f"dashboard: {address}\n" in made.stdout and view.display_name == "tunewright toy"
    sections = sections_of(view)
    assert list(sections) == [*CURVES, "System"]
    for name, panels in sections.items():
        if name != HELD_OUT:
            wanted = SYSTEM if name == "System" else CURVES[name]
            assert {panel["config"]["chartTitle"]: panel["config"]["metrics"] for panel in panels} == wanted
    (shown,) = json.loads(view.spec)["section"]["runSets"]
    asked = set(re.findall(r"evaluation/\w+", json.dumps(sections[HELD_OUT])))
    assert {"evaluation/report", "evaluation/summary", "evaluation/benchmarks"} <= asked <= brought
    assert [rule["value"] for rule in shown["filters"]["filters"]] == [["toy"]] and "toy" in run.tags

    view.display_name, view.spec = "ours", view.spec.replace("Best speed-up so far", "changed by somebody")
    client.do(f"os.environ['WANDB_API_KEY'] = {server.api_key!r}")
    assert client.get(f"refusal(update={address!r})") is None
    assert list(server.state.views.values()) == [view] and view.display_name == "ours"
    assert [panel["config"]["chartTitle"] for panel in sections_of(view)["Learning"]] == list(CURVES["Learning"])


def test_what_is_in_the_way_is_said(server: WandbServer, client: Client) -> None:
    server.state.runs["lab", "there", "1a2b3c"] = Run("lab", "there", "1a2b3c")
    refusals = {
        "refusal()": "no key of Weights & Biases: set WANDB_API_KEY",
        "refusal(problem='tyo')": "unknown problem 'tyo'; did you mean 'toy'?",
        "refusal(update='https://example.org/lab/there?nw=1')": "is at example.org",
        "refusal(update='https://wandb.ai/lab/there')": "is the address of no saved view",
    }
    for call, message in refusals.items():
        assert message in client.get(call)
    client.do("os.environ['WANDB_API_KEY'] = '0' * 40")
    assert "the key is not accepted" in client.get("refusal(project='there')")
    client.do(f"os.environ['WANDB_API_KEY'] = {server.api_key!r}")
    assert "there is no project lab/nowhere" in client.get("refusal(project='nowhere')")
    assert "is the address right, or was it deleted?" in client.get(f"refusal(update='{server.url}/lab/there?nw=gone')")
    with server.faulty(FORBIDDEN, "UpsertView2"):
        assert "saved in lab/there: this account may not do that" in client.get("refusal(project='there')")
    assert not [view for view in server.state.views.values() if view.project == "there"]
