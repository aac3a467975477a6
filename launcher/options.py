"""What files of options have in common: values of the right type under the right names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from rllib_envs.errors import UserError

TRUTHS = {"true": True, "false": False}
KINDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a path as text"}


def at_least(*bounds: tuple[str, float, float]) -> None:
    """UserError for the first of (flag, value, least) whose value is below the least."""
    for flag, value, least in bounds:
        if value < least:
            raise UserError(f"{flag} is {value}; it must be at least {least}")


def last_value(flag: str, arguments: Sequence[str]) -> str:
    """What stands behind the last such flag; empty where there is none."""
    found = ""
    for index, argument in enumerate(arguments):
        name, sign, value = argument.partition("=")
        if name.replace("_", "-") == flag.replace("_", "-") and (sign or index + 1 < len(arguments)):
            found = value if sign else arguments[index + 1]
    return found


def parse_settings(texts: Sequence[str], of: str) -> dict[str, Any]:
    """Changes to settings from texts such as "learning_rate=3e-4"; of two for the same setting the later counts.

    A value that is neither a number nor true or false stays text, for whom it is for to say what it should have been.
    `of` is whose settings they are, and an example, for the message of a UserError.
    """
    changes: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise UserError(f"{text!r} is no setting of {of}; write name=value")
        changes[name] = _value(value)
    return changes


def _value(text: str) -> bool | int | float | str:
    if text.lower() in TRUTHS:
        return TRUTHS[text.lower()]
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return text


def checked(path: Path, name: str, value: Any, kind: Any) -> Any:
    """The value of an option in a file as a field of type `kind` has it; UserError where it is of another type."""
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    allowed = [each for each in (get_args(kind) or (kind,)) if each in KINDS]
    for each in allowed:
        written: Any = {Path: str, float: (int, float)}.get(each, each)
        if isinstance(value, written) and (each is bool or not isinstance(value, bool)):
            return each(value)
    raise UserError(f"{name} in {path} is {value!r}; give {' or '.join(KINDS[each] for each in allowed)}")
