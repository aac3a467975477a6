"""How commands end when something goes wrong on their way out."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
from rllib_envs.errors import one_line_errors
with one_line_errors():
    {body}
"""


def started(body: str) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", PROGRAM.format(body=body)]
    return subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_where_nobody_reads_any_more_a_command_ends_without_a_word() -> None:
    with started("while True: print('line', flush=True)") as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "line\n"
        process.stdout.close()
        assert process.stderr.read() == "" and process.wait() == 141


def test_a_broken_pipe_to_somebody_else_is_a_fault() -> None:
    output, error = started("raise BrokenPipeError('of a worker')").communicate()
    assert output == "" and "Traceback" in error and error.endswith("BrokenPipeError: of a worker\n")
