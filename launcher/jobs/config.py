"""`tunewright launch`: what to run, and the resources that it is to have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from launcher.jobs.profile import read_profile
from launcher.options import last_value
from launcher.usage import one_line_usage
from rllib_envs.errors import one_line_errors

DEFAULT_APP = "rllib_agent.py"


def _short(*names: str) -> Any:
    return tyro.conf.arg(aliases=names)


@dataclass(frozen=True)
class LaunchConfig:
    """Start an application on a SLURM cluster, or here where there is none. All other options are the application's."""

    app: str = DEFAULT_APP
    """What to run: rllib_agent.py trains a policy and evaluates it, driver.py tunes kernels of networks for TVM."""
    time: Annotated[str, _short("-t")] = "1:00:00"
    """Time limit as SLURM writes it: minutes, h:m:s or days-h:m:s. At the limit, the job saves and is queued again."""
    num_nodes: Annotated[int, _short("-n")] = 1
    """Nodes; together they become one Ray cluster."""
    num_cpus: Annotated[int, _short("-nc")] = 4
    """Processors of each node."""
    num_gpus: Annotated[int, _short("-ng")] = 0
    """GPUs of each node."""
    mem: str = ""
    """Memory of each node, such as 64G. Empty: what the cluster gives for the processors."""
    partition: Annotated[str, _short("-p")] = ""
    """SLURM's partition; empty for the cluster's default, as with the following."""
    qos: Annotated[str, _short("-q")] = ""
    """Quality of service."""
    account: str = ""
    """Who pays."""
    constraint: str = ""
    """Features that nodes must have, such as a100&nvlink."""
    node: Annotated[str, _short("-w")] = ""
    """Nodes to use, such as n[1-4],n7."""
    mail: Annotated[str, _short("-m")] = ""
    """Address to write to when the job ends or fails."""
    load_env: Annotated[Path | None, _short("-l")] = None
    """Shell file that every node sources before it starts, for instance one that loads modules."""
    jobs: Annotated[int, _short("-j")] = 1
    """So many trainings that differ in their seed, as one job array."""
    sweep: int = 0
    """So many trainings with settings drawn from the trainer's search space, as one job array."""
    array: int = 0
    """How many of an array run at once; 0 for as many as fit."""
    requeue: bool = True
    """Queue the job again when its time is up, when it was preempted, or when a node was lost."""
    signal_delay: int = 120
    """Seconds before the time limit at which it begins to save."""
    resume: Annotated[str, _short("-r")] = ""
    """Run directory to go on with."""
    wandb_url: str = ""
    """The same by the run's address at Weights & Biases."""
    runs: Path | None = None
    """Where the run directory is made; runs/ here, or under $LOOP_TOOL_ROOT. All nodes must see it."""
    name: str = ""
    """The job's name. Empty: tunewright and the trainer."""
    profile: Path | None = None
    """YAML file with a cluster's defaults for these options; flags count over it."""
    sbatch: tuple[str, ...] = ()
    """More of sbatch's options, such as reservation=maintenance exclusive=user."""
    snapshot: bool = True
    """Run a copy of the code as it is now, so that a waiting job doesn't meet what the checkout has become."""
    local: bool = False
    """Run here, even where there is a cluster."""
    dry_run: bool = False
    """Print the job's script, what it would run and what it would cost, and submit nothing."""
    wait: bool = False
    """Wait for the end, and fail if it does."""
    debug: bool = False
    """Show the traceback of an error."""


def parse_launch(
    arguments: Sequence[str], prog: str, description: str | None = None
) -> tuple[LaunchConfig, tuple[str, ...]]:
    """The launch's configuration, a profile's values behind those of flags, and the application's arguments."""
    with one_line_errors("--debug" in arguments):
        path = last_value("--profile", arguments)
        default = LaunchConfig(**read_profile(Path(path), LaunchConfig)) if path else LaunchConfig()
    with one_line_usage(LaunchConfig):
        config, rest = tyro.cli(
            LaunchConfig,
            prog=prog,
            description=description,
            args=list(arguments),
            default=default,
            return_unknown_args=True,
        )
    return config, tuple(rest)
