"""A user's JSON configuration: a file, or JSON in place of its name, with one object for each purpose."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from rllib_envs.errors import UserError
from rllib_envs.names import choose

Section = TypeVar("Section")
LEAST = "least"
"""The least value of a number, in the metadata of its field; 1 for whole numbers and 0 for others without it."""
TYPES = {"str": str, "int": int, "float": (int, float)}


def read_content(text: str) -> dict[str, Any]:
    """From a file's name or JSON. UserError where that is no JSON object."""
    what = what_is(text)
    try:
        content = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text())
    except OSError as error:
        raise UserError(f"{what} can't be read: {error.strerror or error}; give a JSON file") from None
    except ValueError as error:
        raise UserError(f"{what} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise UserError(f"{what} is no JSON object; see eval/config-example.json")
    return content


def what_is(text: str) -> str:
    """How errors call the configuration."""
    return "the configuration" if text.lstrip().startswith("{") else f"configuration {text}"


def section(content: dict[str, Any], name: str, kind: type[Section], what: str) -> Section:
    """An object of the configuration as a dataclass, whose fields have defaults. UserError names the field."""
    given = content.get(name)
    if not isinstance(given, dict):
        raise UserError(f'{what} lacks the object "{name}"; see eval/config-example.json')
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # it is a dataclass
    for each in given:
        choose(each, known, f"field of {name}")
    values = {
        each: checked(f'field "{each}" of {name}', value, str(known[each].type), known[each].metadata.get(LEAST))
        for each, value in given.items()
    }
    return kind(**values)


def checked(what: str, value: Any, kind: str, least: float | None = None) -> Any:
    """The value, if it is of that type and not too small. UserError where it isn't."""
    if kind.startswith("tuple"):
        if not (isinstance(value, list) and all(isinstance(each, str) for each in value) and value):
            raise UserError(f"{what} has to be a list of names; got {value!r}")
        return tuple(value)
    kind, _, optional = kind.partition(" | ")
    if value is None and optional:
        return None
    if not isinstance(value, TYPES[kind]) or isinstance(value, bool):  # type: ignore[arg-type]
        raise UserError(f"{what} has to be of type {kind}; got {value!r}")
    if not isinstance(value, str) and value < (least if least is not None else kind == "int"):
        raise UserError(f"{what} is {value}, which is too small")
    return value
