"""How a command of any program here is carried out. It imports none of them, so that a small one starts soon."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import tyro

from launcher.tracking.account import hide_key
from launcher.usage import one_line_usage_of
from rllib_envs.errors import one_line_errors


def run_program(
    prog: str,
    description: str | None,
    names: dict[str, Callable[..., Any]],
    commands: dict[type[Any], Callable[[Any], None]],
    arguments: list[str] | None,
) -> None:
    """Carry out one command of a program that has its own: by their names, and by the class of their options."""
    given = sys.argv[1:] if arguments is None else arguments
    only_on = (tyro.conf.FlagCreatePairsOff,)
    with one_line_usage_of(names, prog, given):
        options = tyro.extras.subcommand_cli_from_dict(
            names, prog=prog, description=description, args=given, config=only_on
        )
    carry_out(commands[type(options)], options)


def carry_out(command: Callable[[Any], None], config: Any) -> None:
    hide_key()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a log shows lines as they happen
    with one_line_errors(config.debug):
        command(config)
