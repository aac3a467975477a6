"""What clients may ask for, and whether it makes sense. Whoever asks is not trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

from launcher.options import checked
from launcher.stem.deploy import Target
from launcher.stem.options import SchedulingOptions, StemTrainOptions
from launcher.stem.setup import Setup, setup_of
from launcher.stem_server.job import DEPLOY, SCHEDULE, TRAIN
from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.accuracy_files import check_name
from rllib_envs.stem_sharing.checked import no_others
from rllib_envs.stem_sharing.training.setting import PUBLISHED, RANDOM, read_setting

LONGEST_TEXT = 4096
"""Characters; Linux has no longer paths."""
OPTIONS = get_type_hints(SchedulingOptions)


class Training(NamedTuple):
    """Fine-tuning an application, as if it were asked for in a folder."""

    folder: Path
    options: StemTrainOptions


class Planning(NamedTuple):
    """Choosing a schedule."""

    setup: Setup
    options: SchedulingOptions
    mode: str


class Deploying(NamedTuple):
    """Having an executor run it. Paths begin in the folder."""

    planning: Planning
    target: Target
    folder: Path


Ask = Training | Planning | Deploying


def training_ask(options: StemTrainOptions, folder: Path) -> dict[str, Any]:
    texts = {name: str(getattr(options, name)) for name in _TRAIN_TEXTS}
    test = options.image_test_dir
    return {**texts, "image_test_dir": None if test is None else str(test), "folder": str(folder)}


def planning_ask(planning: Planning) -> dict[str, Any]:
    options = {name: getattr(planning.options, name) for name in _options()}
    return {"setup": planning.setup._asdict(), "options": options, "mode": planning.mode}


def deploying_ask(deploying: Deploying) -> dict[str, Any]:
    target = deploying.target._asdict()
    token = target.pop("token")
    return {
        **planning_ask(deploying.planning),
        **target,
        "token": None if token is None else str(token),
        "folder": str(deploying.folder),
    }


def read_ask(kind: str, content: Any, root: Path) -> Ask:
    """Raises UserError, also where it names a file outside `root`, which is all that clients may use."""
    if not isinstance(content, Mapping):
        raise UserError(f"what is asked for has to be an object, got {content!r:.80}")
    if kind == TRAIN:
        return _training(content, root)
    if kind == SCHEDULE:
        no_others(content, _PLANNING, "what is asked for")
        return _planning(content)
    if kind == DEPLOY:
        return _deploying(content, root)
    raise UserError(f"unknown kind of job {kind!r:.80}")


_TRAIN_TEXTS = ("name", "config_file", "model_dir", "log_dir", "indices", "image_dir")
_TRAIN_PATHS = ("config_file", "model_dir", "log_dir", "image_dir", "image_test_dir")
_PLANNING = ("setup", "options", "mode")
_DEPLOYING = (*_PLANNING, "address", "token", "timeout", "folder")


def _training(content: Mapping[str, Any], root: Path) -> Training:
    no_others(content, (*_TRAIN_TEXTS, "image_test_dir", "folder"), "what is asked for")
    texts = {name: _text(content, name) for name in _TRAIN_TEXTS}
    check_name(texts["name"])
    if content.get("image_test_dir") is not None:
        texts["image_test_dir"] = _text(content, "image_test_dir")
    folder = _folder(content, root)
    for name in _TRAIN_PATHS:
        if name in texts:
            _inside(root, folder, texts[name], name)
    setting, _ = read_setting(folder / texts["config_file"])
    if setting.weights not in (PUBLISHED, RANDOM):
        _inside(root, folder, setting.weights, "weights")
    return Training(folder, StemTrainOptions(**{name: _as_given(name, text) for name, text in texts.items()}))


def _as_given(name: str, text: str) -> Any:
    return Path(text) if name in _TRAIN_PATHS else text


def _planning(content: Mapping[str, Any]) -> Planning:
    setup, given = content.get("setup"), content.get("options")
    if not isinstance(setup, Mapping) or not isinstance(given, Mapping):
        raise UserError("what is asked for needs setup and options, both of them objects")
    no_others(given, _options(), "options")
    where = Path("what is asked for")
    options = SchedulingOptions(**{name: checked(where, name, value, OPTIONS[name]) for name, value in given.items()})
    return Planning(setup_of(setup, "the setup"), options, _text(content, "mode"))


def _deploying(content: Mapping[str, Any], root: Path) -> Deploying:
    no_others(content, _DEPLOYING, "what is asked for")
    folder = _folder(content, root)
    token = None
    if content.get("token") is not None:
        token = Path(_text(content, "token"))
        _inside(root, folder, str(token), "the executor's token")
    timeout = checked(Path("what is asked for"), "timeout", content.get("timeout"), float)
    return Deploying(_planning(content), Target(_text(content, "address"), token, timeout), folder)


def _options() -> list[str]:
    return [field.name for field in fields(SchedulingOptions) if field.name != "debug"]


def _folder(content: Mapping[str, Any], root: Path) -> Path:
    text = _text(content, "folder")
    _inside(root, root, text, "the folder")
    folder = root / text
    if not folder.is_dir():
        raise UserError(f"the server sees no folder {folder}; ask it from a folder that both sides have")
    return folder


def _inside(root: Path, folder: Path, text: str, what: str) -> None:
    try:
        place = (folder / text).resolve()
    except (OSError, RuntimeError) as error:  # too long a name; links in a ring
        raise UserError(f"{what} {text!r:.80} can't be a path: {error}") from None
    if not place.is_relative_to(root):
        raise UserError(f"{what} {text} is outside {root}, where the server works; start it with another --root")


def _text(content: Mapping[str, Any], name: str) -> str:
    text = content.get(name)
    if not isinstance(text, str) or not text.isprintable() or len(text) > LONGEST_TEXT:
        raise UserError(f"{name} has to be text of one line, got {text!r:.80}")
    return text
