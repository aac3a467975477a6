"""What is wrong with a command line, in one line, as every other error is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any

# Not a public part of tyro, hence its exact version in setup.py. Errors of other kinds than those here it shows itself.
from tyro import _errors as tyro_errors

from rllib_envs.errors import UserError, one_line_errors
from rllib_envs.names import choose


@contextmanager
def one_line_usage(options: object, prog: str = "") -> Iterator[None]:
    """While tyro parses `options`, a dataclass with which a wrong option is compared."""
    known = [f"--{field.name.replace('_', '-')}" for field in fields(options)] if is_dataclass(options) else []

    def refuse(event: tyro_errors.ParseErrorEvent) -> None:
        wrong = _wrong(event, known)
        if wrong:
            raise UserError(f"{wrong}; see {prog or event.prog} --help")

    with one_line_errors(), tyro_errors.on_parse_error(refuse):
        yield


@contextmanager
def one_line_usage_of(
    commands: Mapping[str, Callable[..., Any]], prog: str, arguments: Sequence[str]
) -> Iterator[None]:
    """The same for a program that has commands, by their names."""
    command = next(iter(arguments), "")
    with one_line_errors():
        if command and not command.startswith("-"):
            choose(command, commands, f"command of {prog}")
    with one_line_usage(commands.get(command), f"{prog} {command}".strip() if command in commands else prog):
        yield


def _wrong(event: tyro_errors.ParseErrorEvent, known: Sequence[str]) -> str:
    match event:
        case tyro_errors.UnrecognizedArgs(tokens=tokens):
            return _unknown(tokens, known)
        case tyro_errors.MissingArgs(missing_arguments=missing, unrecognized_tokens=tokens):
            lacks = f"{_listed([_name(each.arg) for each in missing])} must be given"
            return f"{_unknown(tokens, known)}; {lacks}" if tokens else lacks
        case tyro_errors.MissingSubcommand(subcommand_spec=commands, found_token=found):
            names = _listed(list(commands.parser_from_name), "or")
            return f"{found!r} is not {names}" if found else f"a command must be given: {names}"
        case tyro_errors.InvalidChoice(argument=argument, value=value, choices=choices):
            return f"{_name(argument)} is {value!r}; give {_listed(choices, 'or')}"
        case tyro_errors.BadValue(argument=argument, reason="too_few_values"):
            return f"{_name(argument)} {'must be given' if argument.is_positional() else 'lacks its value'}"
        case tyro_errors.InstantiationFailure(message=message, argument=argument):
            return f"{_name(argument)}: {message}" if argument is not None else message
    return ""


def _unknown(tokens: Sequence[str], known: Sequence[str]) -> str:
    options = [token for token in tokens if token.startswith("-")]
    if not options:
        return f"{' '.join(tokens)} is too much"
    near = get_close_matches(options[0].partition("=")[0].replace("_", "-"), known, n=1)
    return f"there is no option {_listed(options)}" + (f"; did you mean {near[0]}?" if near else "")


def _name(argument: Any) -> str:
    return str(argument.field.extern_name if argument.is_positional() else argument.lowered.name_or_flags[-1])


def _listed(words: Sequence[str], joint: str = "and") -> str:
    *most, last = words
    return f"{', '.join(most)} {joint} {last}" if most else last
