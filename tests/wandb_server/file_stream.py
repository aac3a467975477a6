"""The stream of a run: rows of metrics, the summary, the console's lines, and the end of it."""

from __future__ import annotations

import json
from typing import Any

from tests.wandb_server.messages import Answer, Refusal, Request
from tests.wandb_server.state import Run, State


def receive(state: State, request: Request) -> Answer:
    """POST /files/ENTITY/PROJECT/RUN/file_stream"""
    entity, project, run_id = request.path.split("/")[2:5]
    run = state.runs.get((entity, project, run_id))
    if run is None:
        raise Refusal(404, f"run {entity}/{project}/{run_id} not found during createRunFiles")
    content = request.json()
    for name, part in (content.get("files") or {}).items():
        _receive_file(run, name, part.get("offset", 0), part["content"])
    if content.get("complete"):
        run.state = "failed" if content.get("exitcode") else "finished"
    else:
        run.state = "running"
    return Answer.of({})


def _receive_file(run: Run, name: str, offset: int, lines: list[str]) -> None:
    numbered: dict[int, Any] = dict(enumerate(lines, offset))
    if name == "wandb-history.jsonl":
        run.history_lines |= {number: json.loads(line) for number, line in numbered.items()}
    elif name == "wandb-events.jsonl":
        run.event_lines |= {number: json.loads(line) for number, line in numbered.items()}
    elif name == "wandb-summary.json":
        run.summary = json.loads(lines[-1])
    elif name == "output.log":
        run.console_lines |= numbered
    else:
        raise Refusal(400, f"unknown stream {name}")
