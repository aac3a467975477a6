"""What a job runs on each of its nodes."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from launcher.cluster.allocation import Allocation
from launcher.cluster.ray_cluster import InfrastructureFailure, ray_cluster
from launcher.jobs.after_job import REQUEUE_STATUS, job_name, returned
from launcher.jobs.apps import APPS
from models.interrupts import Interrupts

DRIVER_PROCESSORS = 2
"""Of the cluster's, for what is no environment runner: the driver that learns, and a replay."""
LOCAL_REQUEUE_STATUS = 144
"""What submitit's local executor takes for the same."""
TERMINATED_STATUS = 143
"""Of a process that SIGTERM has ended: the job was cancelled, or is to make room without a warning."""
WARNING_SIGNAL = "SIGUSR2"
"""Sent some time before the end, so that there is time to save."""


@dataclass(frozen=True)
class AppJob:
    """An application, in a Ray cluster of the job's nodes if it is made for one. Starting it again goes on."""

    app: str
    arguments: tuple[str, ...]
    run: Path
    """The run directory."""
    folder: Path
    """For what the job itself leaves: logs, and how its nodes find each other."""
    requeue: bool = True

    def __call__(self) -> str:
        """The run directory, when the application has ended. On all nodes but the first: nothing."""
        allocation, interrupts = Allocation.here(), Interrupts()
        try:
            app = APPS[self.app]
            with interrupts, ray_cluster(self.folder) if app.distributed else nullcontext(True) as head:
                if not head:
                    return ""
                processors = allocation.cpus * allocation.nodes
                app.run(self.arguments, self.run, max(1, processors - DRIVER_PROCESSORS))
        except KeyboardInterrupt:
            raise SystemExit(self._status(interrupts.reason)) from None
        except Exception as error:
            if _of_ray(error):
                raise InfrastructureFailure(f"{type(error).__name__}: {error}") from error
            raise
        if "SLURM_JOB_ID" in os.environ:
            returned(job_name(), self.folder).touch()
        return str(self.run)

    def _status(self, signal: str | None) -> int:
        if signal != WARNING_SIGNAL or not self.requeue:
            return TERMINATED_STATUS
        return LOCAL_REQUEUE_STATUS if os.environ.get("SUBMITIT_EXECUTOR") == "local" else REQUEUE_STATUS


def _of_ray(error: BaseException) -> bool:
    """Whether Ray itself has failed, not what runs on it: its head is gone, or it can't be reached."""
    import ray

    lost = (ray.exceptions.RaySystemError, ray.exceptions.RpcError, ConnectionError)
    return isinstance(error, lost)
