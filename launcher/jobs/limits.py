"""What can be known to be wrong with a launch before anything is submitted."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from launcher.jobs.config import LaunchConfig
from launcher.options import at_least
from rllib_envs.errors import UserError
from rllib_envs.names import choose

ANSWER_LIMIT_S = 30.0
"""For SLURM's commands, which ask a controller that may be busy."""
UNCONFIGURED = "establish a configuration source"
"""What they say where nothing tells them of any cluster."""
TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<first>\d+)(?::(?P<second>\d{1,2}))?(?::(?P<third>\d{1,2}))?")
NAME = re.compile(r"[A-Za-z0-9_.+-]+")
SHAPES = {
    "name": (NAME, "letters, digits and . _ + -"),
    "partition": (re.compile(r"[A-Za-z0-9_.,-]+"), "names as sinfo lists them"),
    "qos": (NAME, "a name"),
    "account": (NAME, "a name"),
    "constraint": (re.compile(r"[A-Za-z0-9_.,&|*()\[\]=:-]+"), "features with & and |"),
    "node": (re.compile(r"[A-Za-z0-9_.,\[\]-]+"), "nodes such as n[1-4],n7"),
    "mem": (re.compile(r"[0-9]+[KMGT]?"), "a number with K, M, G or T, such as 64G"),
    "mail": (re.compile(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9.-]+"), "one address"),
}
"""Of the options that become part of a script: what they may look like, as a pattern and in words."""
SBATCH_OPTION = re.compile(r"([a-z][a-z-]*)=([A-Za-z0-9_.,:=/&|*()\[\]%@+-]*)")


class NoSlurm(UserError):
    """There is no cluster to ask."""

    exit_code = 3


def minutes(text: str) -> int:
    """SLURM's notation of a time, as whole minutes: m, m:s, h:m:s, d-h, d-h:m or d-h:m:s."""
    match = TIME.fullmatch(text)
    if not match:
        raise UserError(f"--time is {text!r}; write minutes, h:m:s or days-h:m:s, such as 1:30:00")
    parts = [int(part) for part in (match["first"], match["second"], match["third"]) if part is not None]
    if match["days"] is not None:
        hours, minute, second = [*parts, 0, 0][:3]
        seconds = ((int(match["days"]) * 24 + hours) * 60 + minute) * 60 + second
    elif len(parts) == 3:
        seconds = (parts[0] * 60 + parts[1]) * 60 + parts[2]
    else:
        seconds = parts[0] * 60 + [*parts, 0][1]
    if seconds <= 0:
        raise UserError(f"--time is {text!r}; give more than no time")
    return -(-seconds // 60)


def check_launch(config: LaunchConfig) -> None:
    """Refuse values that can't be meant, and those that a shell could misunderstand."""
    at_least(
        ("--num-nodes", config.num_nodes, 1),
        ("--num-cpus", config.num_cpus, 1),
        ("--num-gpus", config.num_gpus, 0),
        ("--jobs", config.jobs, 1),
        ("--sweep", config.sweep, 0),
        ("--array", config.array, 0),
        ("--signal-delay", config.signal_delay, 1),
    )
    if config.jobs > 1 and config.sweep:
        raise UserError("--jobs and --sweep are two kinds of array; give one of them")
    if config.resume and config.wandb_url:
        raise UserError("--resume and --wandb_url both name the run to go on with; give one of them")
    if (config.resume or config.wandb_url) and (config.jobs > 1 or config.sweep):
        raise UserError("a run is gone on with by one job; leave out --jobs and --sweep")
    for field, (shape, words) in SHAPES.items():
        value = getattr(config, field)
        if value and not shape.fullmatch(value):
            raise UserError(f"--{field.replace('_', '-')} is {value!r}; give {words}")
    if config.load_env and not config.load_env.is_file():
        raise UserError(f"--load-env {config.load_env} is no file; name a shell file that every node can read")
    limit = minutes(config.time)
    if config.signal_delay >= limit * 60:
        raise UserError(f"--signal-delay {config.signal_delay} s leaves nothing of --time {config.time}; give less")
    sbatch_options(config)


def sbatch_options(config: LaunchConfig) -> dict[str, str]:
    """More options, by name."""
    options = {}
    for text in config.sbatch:
        match = SBATCH_OPTION.fullmatch(text)
        if not match:
            raise UserError(
                f"--sbatch {text!r}; write option=value as sbatch's manual has them, without quotes or spaces"
            )
        options[match[1]] = match[2]
    return options


def has_slurm() -> bool:
    """Whether this machine belongs to a cluster, be it down or not. SLURM's commands alone don't tell: they may be
    installed where no cluster is configured.
    """
    if shutil.which("sbatch") is None:
        return False
    try:
        ask_slurm("sinfo", "--noheader")
    except NoSlurm as error:
        return UNCONFIGURED not in str(error)
    return True


def check_partition(partition: str) -> None:
    """UserError, with the nearest name, where the cluster has no such partition; NoSlurm where it doesn't answer."""
    listed = ask_slurm("sinfo", "--noheader", "--format=%R").split()
    for each in filter(None, partition.split(",")):
        choose(each, sorted(set(listed)), "partition")


def ask_slurm(*command: str, limit_s: float = ANSWER_LIMIT_S) -> str:
    """What one of SLURM's commands prints. NoSlurm where it is missing, fails or does not answer in time."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s)
    except FileNotFoundError:
        raise NoSlurm(f"{command[0]} is not installed here; run this where the cluster is, or use --local") from None
    except subprocess.TimeoutExpired:
        raise NoSlurm(f"{command[0]} has not answered for {limit_s:g} s; is the cluster up?") from None
    if done.returncode:
        raise NoSlurm(f"{command[0]} failed: {' '.join(done.stderr.split()) or done.returncode}")
    return done.stdout


def check_script(script: Path) -> str:
    """When the job would start, in SLURM's words. UserError where the cluster could never run it."""
    try:
        done = subprocess.run(
            ["sbatch", "--test-only", str(script)], capture_output=True, text=True, timeout=ANSWER_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoSlurm(f"sbatch does not answer: {error}") from None
    told = " ".join(done.stderr.split())
    if done.returncode:
        raise UserError(f"the cluster refuses the job: {told}; sinfo shows what it has")
    return told.removeprefix("sbatch: ")
