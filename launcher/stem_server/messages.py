"""What clients and the server say to each other: a JSON object with `do`, and one with `answer` or `error`.

    {"do": "submit", "id": "3f...", "kind": "train", "ask": {...}, "replace": false}
    {"do": "job", "id": "3f...", "lines_from": 0}      {"do": "cancel", "id": "3f..."}
    {"do": "status", "most": 20}                       {"do": "apps"}

    {"answer": {...}}      {"error": "what is wrong", "code": 2, "later": false}

The client makes a job's id, so that what it asks for once more, because no answer came, is the same job.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rllib_envs.errors import MissingPackage, TunewrightError, UserError
from rllib_envs.stem_sharing.executor.calls import Line

ADDRESS = "tcp://127.0.0.1:5556"
PURPOSE = b"tunewright stem sharing server\n"
"""Of the key that a token makes."""
LONGEST_BYTES = 16 << 20
"""Of a message: room for the setup of a thousand applications."""
JOB = re.compile(r"[0-9a-f]{12,32}")


class Later(TunewrightError):
    """The server can't do it now, since its Redis is gone or full."""


def line_to(address: str, token: str | None) -> Line:
    return Line(address, token, PURPOSE, LONGEST_BYTES)


def read_question(message: bytes) -> dict[str, Any]:
    """Raises UserError where it is no object that says what to do."""
    if len(message) > LONGEST_BYTES:
        raise UserError(f"the message has {len(message)} bytes; {LONGEST_BYTES} are allowed")
    try:
        content = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise UserError(f"the message is no JSON ({error})") from None
    if not isinstance(content, dict) or not isinstance(content.get("do"), str):
        raise UserError("the message has to be an object that says what to do")
    return content


def job_id(content: Mapping[str, Any]) -> str:
    """Raises UserError."""
    job = content.get("id")
    if not isinstance(job, str) or not JOB.fullmatch(job):
        raise UserError(f"{job!r:.80} is no job; stem_sharing.py client status lists them")
    return job


def number(content: Mapping[str, Any], name: str, most: int) -> int:
    """Raises UserError."""
    value = content.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise UserError(f"{name} has to be a whole number from 0 to {most}, got {value!r:.80}")
    return value


def answer(content: Mapping[str, Any]) -> bytes:
    """Raises UserError where it is too long to be sent."""
    message = json.dumps({"answer": content}).encode()
    if len(message) > LONGEST_BYTES:
        raise UserError(f"the answer has {len(message)} bytes; {LONGEST_BYTES} are allowed; ask for less at once")
    return message


def refusal(error: TunewrightError, later: bool) -> bytes:
    return json.dumps({"error": " ".join(str(error).split()), "code": error.exit_code, "later": later}).encode()


def read_answer(message: bytes) -> dict[str, Any]:
    """Raises what the server has, or Later."""
    try:
        content = json.loads(message)
        if isinstance(content, dict) and isinstance(content.get("answer"), dict):
            return content["answer"]  # type: ignore[no-any-return]
        error, code, later = str(content["error"]), content["code"], content["later"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise TunewrightError(f"what answers is no server of jobs: {message[:80]!r}") from None
    if later:
        raise Later(error)
    raise {UserError.exit_code: UserError, MissingPackage.exit_code: MissingPackage}.get(code, TunewrightError)(error)
