"""Ray from its start to its end: quiet, whole whatever signal comes, and gone afterwards."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

from models.interrupts import descendants
from rllib_envs.errors import UserError

OBJECT_STORE_BYTES = 128 << 20
"""A fragment of episodes is below 1 MB, so this holds what a hundred runners have in flight."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # A cluster of this process alone needs no token, and Ray would write one into the home directory.
    "RAY_AUTH_MODE": "disabled",
}

ONE_THREAD = {"env_vars": {"OMP_NUM_THREADS": "1"}}
"""Environment of the workers. Each computes small matrices; threads of several would only wait for each other."""


def check_gpus(asked: int) -> None:
    """UserError when there are fewer GPUs: here, or for several learners in the Ray cluster that is in use."""
    import ray
    import torch

    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked > 1 and ray.is_initialized():
        resources: Mapping[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        found = int(resources.get("GPU", 0))
    if asked > found:
        one = asked == 1
        raise UserError(
            f"{asked} GPU{'' if one else 's'} {'was' if one else 'were'} asked for and {found or 'none'} found here; "
            f"set RLLIB_NUM_GPUS={found}{'' if found else ' to learn on the CPU'}"
        )


@contextmanager
def ray_running(workers: int, gpus: int) -> Iterator[None]:
    """Use the Ray that is initialised already, or start one on this machine, for `workers` processes, and stop it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    # RLlib warns on every start that it runs on its present API, and about its own use of what it has deprecated.
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    with ray_session(
        # Any other address would join whatever cluster the machine happens to be part of.
        address="local",
        num_cpus=workers + 1,
        num_gpus=gpus,
        object_store_memory=OBJECT_STORE_BYTES,
        include_dashboard=False,
    ):
        yield


@contextmanager
def ray_session(**options: Any) -> Iterator[None]:
    """From `ray.init` to `ray.shutdown`, quiet and whole: what a signal asks for waits until Ray has started.

    Both are done in a thread, where Ray leaves the signals alone; in the main one it would take SIGTERM and end the
    process halfway. The thread stays in between, for the processes that Ray starts end with it.
    """
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)  # it warns that it is in a thread
    before = {*descendants(os.getpid())}
    own: set[int] = set()

    def start() -> None:
        try:
            ray.init(log_to_driver=False, logging_level=logging.ERROR, runtime_env=ONE_THREAD, **options)
        finally:
            own.update({*descendants(os.getpid())} - before)

    def stop() -> None:
        own.update(*map(descendants, own))
        with suppress(Exception):  # of a head that has died
            ray.shutdown()
        for process in own:  # an agent that was still starting would wait for its cluster for minutes
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    with ThreadPoolExecutor(1, "ray") as thread:
        try:
            thread.submit(start).result()
            yield
        finally:
            thread.submit(stop).result()
