"""Whatever is wrong with a command line is one line that says what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pytest
import tyro

from launcher import network_scaling, stem_sharing
from launcher.cli import main
from launcher.usage import one_line_usage


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("compare", "--time", "2"),
            "there is no option --time; did you mean --timeout?; see tunewright compare --help",
        ),
        (("compare", "--wandb_ulr=x"), "there is no option --wandb_ulr=x; did you mean --wandb-url?"),
        (("compare", "--this", "--that"), "there is no option --this and --that; see tunewright compare --help"),
        (("trian",), "unknown command of tunewright 'trian'; did you mean 'train'?"),
        ((), "a command must be given: train, launch, jobs"),
        (("compare", "--size", "x"), "--size: invalid literal for int()"),
        (("train", "--minutes"), "--minutes lacks its value; see tunewright train --help"),
        (("train", "more"), "more is too much; see tunewright train --help"),
        (("replay",), "--bench must be given; see tunewright replay --help"),
        (("tune", "--seconds", "3"), "task must be given; see tunewright tune --help"),
        (("replay", "--polcy", "x"), "there is no option --polcy; did you mean --policy?; --bench must be given"),
    ],
)
def test_tunewright(arguments: tuple[str, ...], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    assert ended.value.code == 2 and refused(capsys).startswith(f"error: {line}")


@pytest.mark.parametrize(
    ("program", "arguments", "line"),
    [
        (network_scaling, ("serach",), "unknown command of network_scaling.py 'serach'; did you mean 'search'?"),
        (network_scaling, ("search", "--latnecy", "3"), "there is no option --latnecy; did you mean --latency?"),
        (stem_sharing, ("train", "bus"), "config_file, model_dir, log_dir, indices and image_dir must be given"),
    ],
)
def test_programs_that_have_commands(program, arguments, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        program.main(list(arguments))
    assert ended.value.code == 2 and refused(capsys).startswith(f"error: {line}")


@dataclass
class Options:
    """Some."""

    size: Literal["small", "large"] = "small"


def test_one_of_several_values(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, one_line_usage(Options):
        tyro.cli(Options, prog="a program", args=["--size", "huge"])
    assert ended.value.code == 2
    assert refused(capsys) == "error: --size is 'huge'; give small or large; see a program --help"


def test_help_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--help"])
    assert ended.value.code == 0 and "--timeout" in capsys.readouterr().out
