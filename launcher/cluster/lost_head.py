"""What a worker does when its head is gone without a word: the whole node may be, and the job's script with it.

A job over several nodes survives the loss of a worker because it is submitted with --no-kill. But then nobody ends it
either when the node is lost that runs its script, and the other nodes would be held until the time limit.
"""

from __future__ import annotations

import re
import socket
import subprocess

from launcher.cluster.allocation import ANSWER_LIMIT_S

SLURMD_PORT = 6818
"""SLURM's default."""
CONNECT_LIMIT_S = 10.0


def leave_lost_head(node: str, job: str) -> None:
    """Queue the job again, or end it where that is refused, if `node` is lost. If not, its script sees to the job."""
    if _answers(node):
        return
    print(f"{node} is lost, and the job's script with it", flush=True)
    asked = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=ANSWER_LIMIT_S)
    if asked.returncode != 0:
        print(f"can't be queued again: {asked.stderr.strip()}", flush=True)
        subprocess.run(["scancel", job], timeout=ANSWER_LIMIT_S, check=False)


def _answers(node: str) -> bool:
    """Whether SLURM's daemon listens there, as far as can be known."""
    shown = subprocess.run(
        ["scontrol", "show", "node", "-o", node], capture_output=True, text=True, timeout=ANSWER_LIMIT_S
    ).stdout
    address, port = re.search(r"NodeAddr=(\S+)", shown), re.search(r" Port=(\d+)", shown)
    if not address:
        return True
    try:
        with socket.create_connection((address[1], int(port[1]) if port else SLURMD_PORT), CONNECT_LIMIT_S):
            return True
    except OSError:
        return False
