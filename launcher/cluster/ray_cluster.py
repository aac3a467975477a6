"""Ray inside a SLURM allocation: every node's task runs the same function, and together they are one Ray cluster.

    with ray_cluster(folder) as head:
        if head:
            train()

Rank 0 is the head and the driver; in all other ranks the block gets False, when rank 0 is done or gone. A worker whose
Ray dies joins again. Off SLURM it is a cluster of one node.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from launcher.cluster.allocation import Allocation
from launcher.cluster.lost_head import leave_lost_head
from launcher.cluster.ray_node import RayNode
from models.local_ray import ray_session

READY_LIMIT_S = 300.0
"""For all nodes to join; on a busy cluster with a cold file system Ray takes minutes to import."""
POLL_S = 0.1
MOST_STARTS = 4
"""Of Ray on one node, before the node is given up."""
GOODBYE = b"."
KEEP_ALIVE = {socket.TCP_KEEPIDLE: 30, socket.TCP_KEEPINTVL: 10, socket.TCP_KEEPCNT: 3}
"""Seconds of silence until the other side is asked for a sign of life, seconds between asking again, and how often."""
EXIT_INFRASTRUCTURE = 75
"""sysexits.h: a temporary failure, to be tried again."""
KEEP_LOGS = "RAY_KEEP_LOGS"
"""When this variable is set, Ray's own logs are copied to the job's folder at the end."""


class InfrastructureFailure(SystemExit):
    """The cluster failed, not the program. A SystemExit, so that no result is written and the job is queued again."""

    def __init__(self, reason: str) -> None:
        print(f"infrastructure failure: {reason}", flush=True)
        super().__init__(EXIT_INFRASTRUCTURE)


@contextmanager
def ray_cluster(folder: Path, ready_limit_s: float = READY_LIMIT_S) -> Iterator[bool]:
    """True in the head, with Ray initialised and every node there. `folder` is shared by all nodes.

    Raises InfrastructureFailure where the cluster can't be made in time, or where it has died.
    """
    allocation = Allocation.here()
    os.environ.pop("RAY_ADDRESS", None)  # another cluster's
    os.environ["RAY_AUTH_MODE"] = "token"
    meeting = folder / f".ray-{allocation.job}.json"
    log = folder / f"ray-{allocation.node}.{allocation.rank}.log"
    node = RayNode(allocation, allocation.address(), log, others=[meeting] if allocation.rank == 0 else [])
    deadline = time.monotonic() + ready_limit_s
    try:
        if allocation.rank == 0:
            with _head(node, meeting, deadline):
                yield True
        else:
            _work(node, meeting, deadline)
            yield False
    finally:
        logs = folder / f"ray-logs-{allocation.node}.{allocation.rank}" if os.environ.get(KEEP_LOGS) else None
        node.stop(logs)


@contextmanager
def _head(node: RayNode, meeting: Path, deadline: float) -> Iterator[None]:
    """Start the head, tell the workers where it is, and wait for them."""
    import ray

    began = time.monotonic()
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    for left in meeting.parent.glob(f".ray-{node.allocation.job.partition('.')[0]}.*"):  # by an attempt that was killed
        left.unlink(missing_ok=True)
    with _life_line() as listening:
        address = _start_head(node, deadline)
        with ExitStack() as stack:
            try:
                stack.enter_context(ray_session(address=address, _node_ip_address=node.address))
            except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
                raise InfrastructureFailure(f"can't connect to Ray's head: {error}; see {node.log}") from error
            stack.callback(meeting.unlink, missing_ok=True)
            told = {
                "ip": node.address,
                "port": listening.getsockname()[1],
                "ray": address,
                "node": node.allocation.node,
            }
            _write_private(meeting, {**told, "token": os.environ["RAY_AUTH_TOKEN"]})
            while _alive() < node.allocation.nodes:
                _check(deadline, f"of {node.allocation.nodes} nodes some have not joined; see {node.log.parent}")
            print(f"{node.allocation.nodes} nodes joined after {time.monotonic() - began:.1f} s", flush=True)
            yield
            if not node.running:
                raise InfrastructureFailure(f"Ray's head has died; see {node.log}")


def _alive() -> int:
    """Nodes that have joined."""
    import ray

    nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return sum(node["Alive"] for node in nodes)


def _start_head(node: RayNode, deadline: float) -> str:
    while True:
        if not node.running:
            if node.starts == MOST_STARTS:
                raise InfrastructureFailure(f"Ray's head does not start; see {node.log}")
            node.start("--head", "--port=0", "--include-dashboard=false", "--no-monitor")  # nothing scales it by itself
        if address := node.cluster_address():
            return address
        _check(deadline, f"Ray's head is not ready; see {node.log}")


def _work(node: RayNode, meeting: Path, deadline: float) -> None:
    """Be a worker until the head hangs up, or a signal asks for the end."""
    stopped: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # for the head to act upon
    try:
        while not meeting.exists():
            if stopped:
                return
            _check(deadline, f"the head has not written {meeting}")
            list(meeting.parent.iterdir())  # a network file system looks anew
        head = json.loads(meeting.read_text())
        os.environ["RAY_AUTH_TOKEN"] = head["token"]
        with socket.create_connection((head["ip"], head["port"]), timeout=30.0) as line:
            _notice_silence(line)
            line.settimeout(POLL_S)
            while not stopped and (heard := _heard(line)) is None:
                if not node.running:
                    if node.starts == MOST_STARTS:
                        raise InfrastructureFailure(f"{node.allocation.node} lost Ray {node.starts} times")
                    node.start(f"--address={head['ray']}")
        if not stopped and heard != GOODBYE:
            node.stop()
            leave_lost_head(head["node"], node.allocation.job.partition(".")[0])
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _life_line() -> Iterator[socket.socket]:
    """What the workers hold on to: it breaks at once when the head ends, however it ends, with a GOODBYE if it can."""
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    with socket.create_server(("", 0), family=family, backlog=1024, dualstack_ipv6=dual) as listening:
        try:
            yield listening
        finally:
            listening.setblocking(False)
            with suppress(OSError):  # none is waiting any more
                while True:
                    worker, _ = listening.accept()
                    with worker, suppress(OSError):
                        worker.send(GOODBYE)


def _notice_silence(line: socket.socket) -> None:
    """A node that loses its power does not hang up."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in KEEP_ALIVE.items():
        line.setsockopt(socket.IPPROTO_TCP, option, value)


def _heard(line: socket.socket) -> bytes | None:
    """What the head has said, b"" if it is gone, None while there is nothing to hear."""
    try:
        return line.recv(1)
    except TimeoutError as error:
        return None if error.errno is None else b""  # the kernel's own time-out means that the head is silent
    except OSError:
        return b""


def _check(deadline: float, what: str) -> None:
    if time.monotonic() > deadline:
        raise InfrastructureFailure(f"time is up: {what}")
    time.sleep(POLL_S)


def _write_private(path: Path, content: dict[str, Any]) -> None:
    """In one step, and readable by this user alone: it holds the token."""
    draft = path.with_name(f"{path.name}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file)
    draft.replace(path)
