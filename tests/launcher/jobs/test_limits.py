"""What is refused before anything is submitted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from launcher.jobs.config import LaunchConfig
from launcher.jobs.limits import check_launch, minutes
from rllib_envs.errors import UserError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30", 30),
        ("90:30", 91),
        ("1:00:00", 60),
        ("30:00:00", 1800),
        ("2-0", 2880),
        ("1-12:30", 2190),
        ("1-00:00:01", 1441),
    ],
)
def test_times_as_slurm_writes_them(text: str, expected: int) -> None:
    assert minutes(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "1h", "-5", "0", "0:00:00", "1:2:3:4", "1:000", "1;2", "$(reboot)"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--time is"):
        minutes(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_nodes": 0}, "--num-nodes is 0; it must be at least 1"),
        ({"num_cpus": 0}, "--num-cpus is 0"),
        ({"num_gpus": -1}, "--num-gpus is -1"),
        ({"jobs": 0}, "--jobs is 0"),
        ({"jobs": 2, "sweep": 2}, "two kinds of array"),
        ({"resume": "a", "wandb_url": "b"}, "give one of them"),
        ({"resume": "a", "jobs": 2}, "gone on with by one job"),
        ({"name": "$(reboot)"}, "--name is '\\$\\(reboot\\)'; give letters, digits"),
        ({"name": "two\nlines"}, "--name is"),
        ({"name": "it's"}, "--name is"),
        ({"partition": "main; rm -rf /"}, "--partition is"),
        ({"account": "`id`"}, "--account is"),
        ({"qos": "high low"}, "--qos is"),
        ({"constraint": "a100 --exclusive"}, "--constraint is"),
        ({"node": "n1 n2"}, "--node is"),
        ({"mem": "64 GB"}, "--mem is '64 GB'; give a number with K, M, G or T"),
        ({"mail": "somebody"}, "--mail is 'somebody'; give one address"),
        ({"load_env": Path("/no/such/file.sh")}, "is no file"),
        ({"time": "1", "signal_delay": 60}, "leaves nothing of --time 1"),
        ({"sbatch": ("exclusive",)}, "write option=value"),
        ({"sbatch": ("comment=a b",)}, "without quotes or spaces"),
    ],
)
def test_bad_values(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_launch(replace(LaunchConfig(), **changes))


def test_defaults_are_fine() -> None:
    check_launch(LaunchConfig())
