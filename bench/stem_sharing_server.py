"""Whether a server that is killed loses a job, or does one twice. Two minutes.

python bench/stem_sharing_server.py [--clients 8] [--requests 1000]

So many clients, each a process, ask a server for small schedules and don't give up. In the middle the server is killed
(SIGKILL, as nothing could catch it), with its Redis and its workers, which end with it; then another is started in the
same folder. In the end every client's every job has to be done, with the answer to what it was asked, and once: that is
counted in the jobs themselves, and in the append-only file that Redis wrote.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from report import Bar, report

from launcher.stem.options import SchedulingOptions
from launcher.stem.setup import Setup
from launcher.stem_server.asks import Planning, planning_ask
from launcher.stem_server.client import JobServer
from launcher.stem_server.job import DONE, SCHEDULE
from rllib_envs.child_process import child_environment

ROOT = Path(__file__).parent.parent
LAYERS, RATE = 41, 15
ACCURACIES = ({"1": 1.0, "10": 0.8, "40": 0.2}, {"1": 1.0, "10": 1.0, "40": 0.1}, {"1": 1.0, "10": 1.0, "40": 0.6})
LEAST_BUDGET = 120.0
"""For which there is a schedule; each job of a client has a budget of its own."""
PATIENCE_S = 120.0
Asked = tuple[dict[str, float], list[float]]
"""Budget by job, and seconds of each request."""


def wanted(budget: float) -> dict[str, Any]:
    apps = [{"app_id": f"app_{index}", "accuracies": hits} for index, hits in enumerate(ACCURACIES)]
    model = {"layer_latencies": [1.0] * LAYERS}
    options = SchedulingOptions(budget=budget, scheduler="greedy")
    return planning_ask(Planning(Setup(apps, {"stream_fps": RATE}, model), options, "mainstream"))


def ask(address: str, count: int) -> Asked:
    """One client."""
    server, jobs, seconds = JobServer(address, patience_s=PATIENCE_S), {}, []
    for index in range(count):
        began = time.monotonic()
        jobs[server.submit(SCHEDULE, wanted(LEAST_BUDGET + index))] = LEAST_BUDGET + index
        seconds.append(time.monotonic() - began)
    return jobs, seconds


def start(folder: Path, address: str) -> tuple[subprocess.Popen[str], str]:
    """A server, and where it listens."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "launcher" / "stem_sharing.py"), "server", "--address", address],
        cwd=folder,
        env=child_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line.startswith("listening at "):
            # what it says of each job is read by nobody
            subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
            return process, line.split()[2].rstrip(",")
    raise SystemExit("the server has not started")


def counted(folder: Path) -> Counter[str]:
    """How often each job has ended as done, as Redis has written it down."""
    text = b"".join(path.read_bytes() for path in (folder / "stem_jobs" / "appendonlydir").glob("*.aof"))
    found = re.findall(rb"job:([0-9a-f]+)\r\n\$5\r\nstate\r\n\$4\r\ndone\r\n", text)
    return Counter(job.decode() for job in found)


def is_answer(job: Mapping[str, Any], budget: float) -> bool:
    """Whether the job is done, and what was asked for."""
    return bool(job["state"] == DONE and job["result"]["budget"] == budget)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=1000, help="of each client")
    arguments = parser.parse_args()
    total = arguments.clients * arguments.requests
    with tempfile.TemporaryDirectory() as name, multiprocessing.get_context("spawn").Pool(arguments.clients) as pool:
        folder, began = Path(name), time.monotonic()
        process, address = start(folder, "tcp://127.0.0.1:*")
        server = JobServer(address, patience_s=PATIENCE_S)
        asking = pool.starmap_async(ask, [(address, arguments.requests)] * arguments.clients)
        while server.ask("status", most=0)["submitted"] < total // 2:
            time.sleep(0.02)
        process.kill()
        process.wait()
        print(f"killed after {time.monotonic() - began:.1f} s", flush=True)
        process, _ = start(folder, address)
        budgets: dict[str, float] = {}
        seconds: list[float] = []
        for jobs, took in asking.get():
            budgets |= jobs
            seconds += took
        print(f"all is asked for after {time.monotonic() - began:.1f} s", flush=True)
        ended = {job: server.follow(job, lambda line: None) for job in budgets}
        print(f"all is done after {time.monotonic() - began:.1f} s", flush=True)
        submitted = server.ask("status", most=0)["submitted"]
        process.terminate()
        process.wait()
        written = counted(folder)
    right = [
        job for job, found in ended.items() if found["state"] == DONE and found["result"]["budget"] == budgets[job]
    ]
    cuts = sum(line.startswith("cut, since ") for found in ended.values() for line in found["lines"])
    seconds.sort()
    median, slow = (1000 * seconds[total * share // 100] for share in (50, 99))
    print(f"a request took {median:.1f} ms (median), {slow:.1f} ms (99 %)")
    print(f"jobs that were cut by the kill, and started again: {cuts}")
    report(
        "stem_sharing_server",
        {
            "jobs asked for": Bar(len(budgets), total, "jobs"),
            "jobs lost": Bar(total - len(right), 0, "jobs", at_least=False),
            "jobs kept that nobody asked for": Bar(submitted - total, 0, "jobs", at_least=False),
            "jobs done twice": Bar(sum(written.values()) - len(written), 0, "jobs", at_least=False),
            "jobs that Redis wrote down as done": Bar(len(written), total, "jobs"),
            "jobs started again without being cut": Bar(
                sum(found["runs"] for found in ended.values()) - total - cuts, 0, "jobs", at_least=False
            ),
        },
    )


if __name__ == "__main__":
    main()
