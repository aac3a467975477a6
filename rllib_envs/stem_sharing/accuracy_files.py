"""What a trainer writes of an application: `freeze point,accuracy,false-positive rate`, a line for each network."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.checked import finite, whole

SUFFIX = "-accuracy"
NAME = re.compile(r"[\w][\w.-]*")
LONGEST_NAME = 100
"""Characters; names of files may have 255 bytes."""


def check_name(name: str) -> None:
    """UserError where an application, and so its files, can't be called so."""
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise UserError(f"name {name!r:.120} can't be that of files; use letters, digits, - and _")


def read_application(path: Path, app_id: str) -> Application:
    """The application of a file, with the usual events. Raises UserError that names the line."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read as accuracies of an application: {error}") from None
    variants = [_variant(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    points = [variant.freeze_point for variant in variants]
    if not points or len(set(points)) < len(points):
        what = "two lines for one freeze point" if points else "no line"
        raise UserError(f"{path} has {what}; each is freeze point,accuracy,false-positive rate")
    return Application(app_id, tuple(sorted(variants)))


def accuracy_lines(variants: Iterable[Variant]) -> str:
    """The content of such a file."""
    return "".join(f"{one.freeze_point},{one.hit:.4f},{one.false_alarm:.4f}\n" for one in variants)


def _variant(line: str, where: str) -> Variant:
    parts = [part.strip() for part in line.split(",")]
    if len(parts) != 3:
        raise UserError(f"{where} is {line!r}; write freeze point,accuracy,false-positive rate")
    try:
        hit, alarm = map(float, parts[1:])
    except ValueError:
        raise UserError(f"{where} is {line!r}; accuracy and false-positive rate have to be numbers") from None
    return Variant(
        whole(parts[0], f"the freeze point of {where}"),
        finite(hit, f"the accuracy of {where}", 0, 1),
        finite(alarm, f"the false-positive rate of {where}", 0, 1),
    )
