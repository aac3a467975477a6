"""A cluster's defaults, from a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from launcher.jobs.config import parse_launch
from tests.conftest import ROOT


def written(tmp_path: Path, text: str) -> str:
    path = tmp_path / "site.yaml"
    path.write_text(text)
    return str(path)


def test_flags_count_over_a_profile(tmp_path: Path) -> None:
    profile = written(
        tmp_path,
        "partition: gpu\naccount: ml\nnum-cpus: 80\nload_env: /etc/profile\nsbatch:\n  reservation: maintenance\n",
    )
    config, rest = parse_launch([f"--profile={profile}", "-p", "debug", "--iter=3"], prog="launch")
    assert (config.partition, config.account, config.num_cpus) == ("debug", "ml", 80)
    assert config.load_env == Path("/etc/profile")
    assert config.sbatch == ("reservation=maintenance",)
    assert rest == ("--iter=3",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("partitoin: gpu", "unknown option in profile .* 'partitoin'; did you mean 'partition'?"),
        ("num_cpus: many", "num_cpus in .* is 'many'; give a whole number"),
        ("dry_run: true", "unknown option in profile"),
        ("- partition", "holds list"),
        ("partition: [", "can't be read"),
        ("sbatch: exclusive", "write a line"),
    ],
)
def test_bad_profiles(text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_launch(["--profile", written(tmp_path, text)], prog="launch")
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()

    assert re.search(message, line), line


def test_missing_profile(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_launch(["--profile=/no/such.yaml"], prog="launch")
    assert ended.value.code == 2
    assert "profile /no/such.yaml can't be read" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted((ROOT / "slurm" / "profiles").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_profiles_can_be_read(path: Path) -> None:
    parse_launch([f"--profile={path}"], prog="launch")
