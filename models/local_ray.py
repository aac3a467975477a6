"""Ray for one training session: quiet, on this machine only, and gone afterwards."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from models.interrupts import handlers_kept
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
    """Use the Ray that is initialised already, or start one here for `workers` processes and stop it afterwards."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    # RLlib warns on every start that it runs on its present API, and about its own use of what it has deprecated.
    logging.getLogger("ray.rllib").setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    try:
        with handlers_kept():  # Ray has a handler of its own for SIGTERM while it starts, and would keep it
            ray.init(
                # Any other address would join whatever cluster the machine happens to be part of.
                address="local",
                num_cpus=workers + 1,
                num_gpus=gpus,
                object_store_memory=OBJECT_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                runtime_env=ONE_THREAD,
            )
    except SystemExit as error:
        raise KeyboardInterrupt("SIGTERM while Ray was starting") from error
    try:
        yield
    finally:
        ray.shutdown()
