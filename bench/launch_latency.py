"""From a launch to learning, on a real SLURM of several nodes on this host. Takes about fifteen minutes.

python bench/launch_latency.py [--launches 20] [--elements 50]

Needs what `slurm/devcluster` needs. A launch trains the toy with one environment runner a node; its time counts from
the command's start to the end of the first iteration. Ray's time is that from the start of the job's step until all of
its nodes have joined. The launches are submitted three at a time; afterwards no process, folder or shared memory of
theirs may remain (a port or a socket would be a process's). Of the array, one element is cancelled and has to be named.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from report import Bar, report

ROOT = Path(__file__).resolve().parents[1]
DEVCLUSTER = ROOT / "slurm" / "devcluster"
NODES, AT_ONCE = 4, 3
LONGEST_S = 600.0
POLL_S = 0.1
SHARED_MEMORY = Path("/dev/shm")


@contextmanager
def cluster(*options: str) -> Iterator[tuple[float, dict[str, str]]]:
    """Seconds to start it, and the environment to use it with."""
    with tempfile.TemporaryDirectory(prefix="tws-", dir="/tmp") as parent:
        folder = f"{parent}/c"
        began = time.perf_counter()
        subprocess.run([DEVCLUSTER, "start", "--dir", folder, *options], check=True, capture_output=True)
        seconds = time.perf_counter() - began
        path = f"{folder}/bin:{os.environ['PATH']}"
        try:
            yield seconds, {**os.environ, "SLURM_CONF": f"{folder}/slurm.conf", "PATH": path, "RLLIB_NUM_GPUS": "0"}
        finally:
            subprocess.run([DEVCLUSTER, "stop", "--dir", folder], check=True, capture_output=True)


def toy_suite(folder: Path) -> Path:
    folder.mkdir()
    for index in range(12):
        spec = {"targets": [(3 * index + 2) % 8, index % 5]}
        (folder / f"{index}.json").write_text(json.dumps({"name": f"toy{index}", "problem": "toy", "spec": spec}))
    return folder


def command(suite: Path, runs: Path, *options: str) -> list[str]:
    """A launch of a short training."""
    launch = [sys.executable, "-m", "launcher.cli", "launch", f"--dataset={suite}", f"--runs={runs}", "--eval-size=0"]
    return [*launch, *options, "--num-cpus=2", "--mem=3000M", "--trainer-settings", "batch_steps=256"]


def launch(suite: Path, runs: Path, nodes: int, environment: dict[str, str]) -> Path:
    """The run directory of a training that was submitted."""
    line = command(suite, runs, "--iter=2", f"--env-runners={nodes}", f"--num-nodes={nodes}")
    printed = subprocess.run(line, check=True, capture_output=True, text=True, env=environment).stdout
    return Path(re.search(r"run directory: (.+)", printed)[1])


def wait_for(what: str, path: Path, began: float) -> float:
    """Seconds from `began` until a file holds something."""
    while not (path.exists() and path.stat().st_size):
        if time.perf_counter() - began > LONGEST_S:
            raise SystemExit(f"{what}: nothing in {path} after {LONGEST_S:g} s")
        time.sleep(POLL_S)
    return time.perf_counter() - began


def first_iteration(suite: Path, runs: Path, nodes: int, environment: dict[str, str]) -> tuple[float, float]:
    """Seconds from the command to the first iteration, and from the step's start to a whole Ray cluster."""
    began = time.perf_counter()
    run = launch(suite, runs, nodes, environment)
    seconds = wait_for("first iteration", run / "metrics.jsonl", began)
    (log,) = (run / "job").glob("*_0_log.out")
    return seconds, float(re.search(r"nodes joined after ([\d.]+) s", log.read_text())[1])


def many(suite: Path, runs: Path, count: int, environment: dict[str, str]) -> tuple[int, int]:
    """How many launches have left a policy, and how much is left of them afterwards: processes and folders."""
    waiting, running, policies = count, [], 0
    shared = set(SHARED_MEMORY.iterdir())
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            running.append(launch(suite, runs, 1, environment))
            waiting -= 1
        queued = subprocess.run(
            ["squeue", "--noheader", "--format=%i"], capture_output=True, text=True, check=True, env=environment
        ).stdout.split()
        for run in list(running):
            (job,) = json.loads((run / "job" / "launch.json").read_text())["jobs"]
            if job not in queued:
                running.remove(run)
                policies += (run / "policy" / "policy.json").exists()
        time.sleep(1.0)
    folders = list(Path("/tmp").glob("tw[0-9]*-*"))
    known = f"{runs}/".encode()
    processes = [path for path in Path("/proc").glob("[0-9]*/cmdline") if known in read(path)]
    return policies, len(folders) + len(processes) + len(set(SHARED_MEMORY.iterdir()) - shared)


def array(suite: Path, runs: Path, count: int, environment: dict[str, str]) -> tuple[int, bool]:
    """How many elements of an array have left a policy, and whether the one that was cancelled is named, alone."""
    line = command(suite, runs, "--iter=1", "--env-runners=0", f"--jobs={count}", "--wait")
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as waiting:
        assert waiting.stdout is not None
        job = re.search(r"job (\d+)", waiting.stdout.readline())[1]
        element = f"{job}_{count - 1}"
        subprocess.run(["scancel", element], check=True, env=environment)
        _, told = waiting.communicate()
    named = told.startswith(f"error: 1 of {count} jobs failed; job {element}: ") and waiting.returncode == 4
    return len(list(runs.glob("*/*/policy/policy.json"))), named


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--launches", type=int, default=20, help="in a row, three at a time")
    parser.add_argument("--elements", type=int, default=50, help="of an array")
    arguments = parser.parse_args()
    with cluster("--nodes", "3", "--no-accounting") as (plain, _):
        pass
    with cluster("--nodes", "3") as (accounting, _):
        pass
    with cluster("--nodes", str(NODES)) as (_, environment), tempfile.TemporaryDirectory() as folder:
        suite, runs = toy_suite(Path(folder) / "suite"), Path(folder) / "runs"
        two_nodes, _ = first_iteration(suite, runs, 2, environment)
        _, four_nodes = first_iteration(suite, runs, NODES, environment)
        succeeded, left = many(suite, runs, arguments.launches, environment)
        collected, named = array(suite, Path(folder) / "array", arguments.elements, environment)
    report(
        "launch_latency",
        {
            "cluster of 3 nodes, without accounting": Bar(plain, 5, "s", at_least=False),
            "cluster of 3 nodes, with accounting": Bar(accounting, 15, "s", at_least=False),
            "launch to first iteration, 2 nodes": Bar(two_nodes, 45, "s", at_least=False),
            f"Ray of {NODES} nodes ready": Bar(four_nodes, 30, "s", at_least=False),
            f"of {arguments.launches} launches, succeeded": Bar(succeeded, arguments.launches, "launches"),
            "left of them": Bar(left, 0, "", at_least=False),
            f"of {arguments.elements - 1} elements, collected": Bar(collected, arguments.elements - 1, "elements"),
            "the cancelled one, named": Bar(named, 1, "elements"),
        },
    )


if __name__ == "__main__":
    main()
