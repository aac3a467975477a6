"""From a launch to jobs: the parameters and the script, and handing them to submitit's executors."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.jobs.app_job import AppJob
from launcher.jobs.config import LaunchConfig
from launcher.jobs.limits import minutes, sbatch_options
from launcher.jobs.snapshot import is_checkout
from rllib_envs.errors import MissingPackage

JOB, CODE = "job", "code"
"""Folders: of what the job itself leaves, in the launch's; and of the code that it runs, in that."""
ROOT = Path(__file__).resolve().parents[2]
LOG_LEVEL = "SUBMITIT_LOG_LEVEL"
DETACHED = ("exec </dev/null >/dev/null 2>&1", "trap '' HUP")
"""Shell lines for a job that runs here after the command that started it, and the terminal, are gone."""
SECONDS_AFTER_THE_FIRST = 60
"""The other tasks may take so long to end when one has ended."""


@dataclass(frozen=True)
class Launch:
    """Everything that is decided about a launch. Nothing of it has been written yet."""

    config: LaunchConfig
    label: str
    folder: Path
    """The run directory, or where there are several jobs the folder that holds them."""
    elements: tuple[tuple[str, ...], ...]
    """The application's arguments, for each job of the array."""
    resumed: bool = False
    """Whether the run directory is there already, with a run to go on with."""

    @property
    def jobs(self) -> list[AppJob]:
        runs = [self.folder] if len(self.elements) == 1 else [self.folder / str(i) for i in range(len(self.elements))]
        return [
            AppJob(self.config.app, arguments, run, self.job_folder, self.config.requeue)
            for run, arguments in zip(runs, self.elements, strict=True)
        ]

    @property
    def job_folder(self) -> Path:
        return self.folder / JOB

    @property
    def code(self) -> Path:
        """Where the job finds the code: a copy, unless it is an installed package that doesn't change."""
        return self.job_folder / CODE if self.config.snapshot and is_checkout(ROOT) else ROOT

    @property
    def name(self) -> str:
        return self.config.name or f"tunewright-{self.label}"

    @property
    def core_hours(self) -> float:
        """At most, for all jobs together."""
        config = self.config
        return config.num_nodes * config.num_cpus * minutes(config.time) / 60 * len(self.elements)

    def setup(self) -> list[str]:
        """Shell lines before the program."""
        lines = ["ulimit -n $(ulimit -Hn)"]
        if self.config.load_env:
            lines.append(f". {shlex.quote(str(self.config.load_env.absolute()))}")
        lines.append(f"export PYTHONPATH={shlex.quote(str(self.code))}${{PYTHONPATH:+:$PYTHONPATH}}")
        lines.append(f"export RLLIB_NUM_GPUS=${{RLLIB_NUM_GPUS:-{self.config.num_gpus * self.config.num_nodes}}}")
        return lines

    def teardown(self) -> list[str]:
        """The shell line after it: whether the job is queued again, and its exit status."""
        run = shlex.quote(str(self.folder))
        if len(self.elements) > 1:
            run += '/"$SLURM_ARRAY_TASK_ID"'
        asked = f"{shlex.quote(sys.executable)} -m launcher.jobs.after_job"
        return [f"{asked} $? {shlex.quote(str(self.job_folder))} {run}{'' if self.config.requeue else ' --final'}"]

    def parameters(self) -> dict[str, Any]:
        """As submitit's SLURM executor takes them."""
        config = self.config
        several = config.num_nodes > 1
        optional = {
            "partition": config.partition,
            "qos": config.qos,
            "account": config.account,
            "constraint": config.constraint,
            "nodelist": config.node,
            "mem": config.mem,
            "gpus_per_node": config.num_gpus,
            "array_parallelism": config.array,
            "mail_user": config.mail,
            "mail_type": "END,FAIL" if config.mail else "",
        }
        return {
            **{name: value for name, value in optional.items() if value},
            "job_name": self.name,
            "time": minutes(config.time),
            "nodes": config.num_nodes,
            "ntasks_per_node": 1,
            "cpus_per_task": config.num_cpus,
            "signal_delay_s": config.signal_delay,
            "setup": self.setup(),
            "teardown": self.teardown(),
            "srun_args": [
                f"--cpus-per-task={config.num_cpus}",  # srun does not take it over from sbatch
                "--kill-on-bad-exit=0",  # a worker's end is no reason to end the head
                *(["--no-kill"] if several else []),  # nor is a lost node
                f"--wait={SECONDS_AFTER_THE_FIRST}",
            ],
            "additional_parameters": {
                ("requeue" if config.requeue else "no-requeue"): True,
                **({"no-kill": True} if several else {}),
                **sbatch_options(config),
            },
        }

    def script(self) -> str:
        """The very script that submitit would hand to sbatch."""
        make_script = load_submitit().slurm.slurm._make_sbatch_string
        command = [sys.executable, "-u", "-m", "submitit.core._submit", str(self.job_folder)]
        array: dict[str, Any] = {"map_count": len(self.elements)} if len(self.elements) > 1 else {}
        script: str = make_script(command=shlex.join(command), folder=self.job_folder, **self.parameters(), **array)
        return script

    def submit(self, local: bool) -> list[Any]:
        """submitit's jobs, one for each element."""
        submitit = load_submitit()
        executor: Any
        if local:
            executor = submitit.LocalExecutor(self.job_folder)
            executor.update_parameters(
                timeout_min=minutes(self.config.time),
                gpus_per_node=self.config.num_gpus,
                signal_delay_s=self.config.signal_delay,
                setup=[*DETACHED, *self.setup()],
            )
        else:
            executor = submitit.SlurmExecutor(self.job_folder)
            executor.update_parameters(**self.parameters())
        if len(self.elements) == 1:
            return [executor.submit(self.jobs[0])]
        with executor.batch():
            return [executor.submit(job) for job in self.jobs]


def described(elements: Sequence[Sequence[str]]) -> str:
    """What the jobs run, a line for each."""
    return "\n".join(shlex.join(arguments) for arguments in elements)


def load_submitit() -> Any:
    """The package. Without its set-up of logging, which closes the handlers of everything else in this process.

    Raises MissingPackage where it is not installed.
    """
    before = os.environ.get(LOG_LEVEL)
    os.environ[LOG_LEVEL] = "NOCONFIG"
    try:
        import submitit.slurm.slurm
    except ImportError as error:
        raise MissingPackage(f"launching needs submitit ({error}); pip install 'tunewright[train]'") from None
    finally:
        if before is None:
            del os.environ[LOG_LEVEL]  # jobs inherit the environment, and their logs should say what submitit does
        else:
            os.environ[LOG_LEVEL] = before
    return submitit
