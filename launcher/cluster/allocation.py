"""What SLURM has given to this task: which node of how many, at which address, and how much of it."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from dataclasses import dataclass

MEBIBYTE = 1 << 20
ANSWER_LIMIT_S = 30.0
"""For `scontrol`, which asks a controller that may be busy."""
ADDRESS_VARIABLE = "RAY_NODE_IP"
"""A user's own choice where SLURM's address of a node is not the one to use."""


@dataclass(frozen=True)
class Allocation:
    """One task of a job, of which there is one on each node. Off SLURM: this machine alone."""

    job: str
    """The job's number, and how often it was started again."""
    rank: int
    """0 is the head."""
    nodes: int
    node: str
    """The node's name."""
    cpus: int
    gpus: int
    memory_bytes: int
    """That this task may use; 0 where SLURM doesn't say."""

    @classmethod
    def here(cls) -> Allocation:
        """From the environment variables of SLURM's step."""
        number = _number("SLURM_JOB_ID") or os.getpid()
        cpus = _number("SLURM_CPUS_ON_NODE") or len(os.sched_getaffinity(0))
        memory = _number("SLURM_MEM_PER_NODE") or _number("SLURM_MEM_PER_CPU") * cpus
        visible = [device for device in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if device]
        return cls(
            job=f"{number}.{_number('SLURM_RESTART_COUNT')}",
            rank=_number("SLURM_PROCID"),
            nodes=_number("SLURM_NTASKS") or 1,
            node=os.environ.get("SLURMD_NODENAME", "local"),
            cpus=cpus,
            gpus=_number("SLURM_GPUS_ON_NODE") or len(visible),
            memory_bytes=memory * MEBIBYTE,
        )

    def address(self) -> str:
        """The IP address at which the other nodes reach this one.

        It is the one that SLURM itself uses: a node with several networks has more, and only some lead anywhere.
        """
        chosen = os.environ.get(ADDRESS_VARIABLE)
        if chosen:
            return chosen
        if self.nodes == 1:
            return "127.0.0.1"
        told = subprocess.run(
            ["scontrol", "show", "node", "-o", self.node], capture_output=True, text=True, timeout=ANSWER_LIMIT_S
        ).stdout
        found = re.search(r"NodeAddr=(\S+)", told)
        return resolve(found[1] if found else self.node)


def resolve(name: str) -> str:
    """An IPv4 address of a host where it has one, else an IPv6 address. OSError where it has neither."""
    answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    ordered = sorted(answers, key=lambda answer: answer[0] != socket.AF_INET)
    return str(ordered[0][4][0])


def _number(variable: str) -> int:
    """The leading digits of a variable, such as 4 of "4(x2)"; 0 where there are none."""
    digits = re.match(r"\d+", os.environ.get(variable, ""))
    return int(digits[0]) if digits else 0
