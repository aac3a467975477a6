"""What GA-DQN has learnt, and where a tuner stands, on disk: JSON and safetensors, like policies and checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from models.ga_dqn.agent import Agent
from models.ga_dqn.forecast import Forecast
from models.ga_dqn.options import FORECAST, INPUTS
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import Knowledge
from models.store.atomic import new_directory, read_json, write_json
from models.store.tensor_file import check_tensors, read_tensors, write_tensors
from rllib_envs.errors import UserError

SCHEMA_VERSION = 2
CARD, ARRAYS = "ga_dqn.json", "ga_dqn.safetensors"
STATE, STATE_ARRAYS = "tuner.json", "tuner.safetensors"
REPLAY_ARRAYS = tuple(f"replay.{name}" for name in ("chosen", "reward", "discount", "following", "candidates"))
FORECAST_ARRAYS = ("rows", "shares")
"""What has a row for each decision, and for each example."""


def write_knowledge(folder: Path, knowledge: Knowledge, settings: GADQNSettings, provenance: Mapping[str, Any]) -> None:
    """Networks and replay, for tuners of other kernels. Raises NotWritten where the folder can't be made."""
    with new_directory(folder) as new:
        write_tensors(
            new / ARRAYS, {f"{name}/{key}": a for name, arrays in knowledge.items() for key, a in arrays.items()}
        )
        card = {"schema_version": SCHEMA_VERSION, "inputs": INPUTS, "settings": asdict(settings)}
        write_json(new / CARD, card | {"provenance": dict(provenance)})


def read_knowledge(folder: Path, settings: GADQNSettings) -> dict[str, dict[str, np.ndarray]]:
    """What `write_knowledge` wrote, for a tuner with these settings. UserError, naming the file, where it is damaged or
    for networks of other sizes."""
    card = read_json(folder / CARD, "what GA-DQN has learnt")
    if card.get("schema_version") != SCHEMA_VERSION:
        raise UserError(
            f"{folder / CARD} has schema version {card.get('schema_version')!r}; this installation reads version "
            f"{SCHEMA_VERSION}. Train it again on the kernels that it came from"
        )
    knowledge: dict[str, dict[str, np.ndarray]] = {name: {} for name in (*INPUTS, FORECAST)}
    for name, array in read_tensors(folder / ARRAYS).items():
        decision, _, key = name.partition("/")
        knowledge.setdefault(decision, {})[key] = array
    for decision, features in INPUTS.items():
        _check(folder / ARRAYS, Agent(features, settings, 0), knowledge[decision])
    _check_forecast(folder / ARRAYS, Forecast(settings, 0), knowledge[FORECAST])
    return knowledge


def read_provenance(folder: Path) -> dict[str, Any]:
    """What knowledge was learnt from, and where. UserError for a folder that holds none."""
    return dict(read_json(folder / CARD, "what GA-DQN has learnt").get("provenance", {}))


def shortened(knowledge: Knowledge, decisions: int, examples: int) -> dict[str, dict[str, np.ndarray]]:
    """The same with at most so many of each network's decisions, and examples of the forecast, drawn at random."""
    short: dict[str, dict[str, np.ndarray]] = {}
    for name, arrays in knowledge.items():
        kept, count = (FORECAST_ARRAYS, examples) if name == FORECAST else (REPLAY_ARRAYS, decisions)
        remembered = len(arrays[kept[0]])
        chosen = np.sort(np.random.default_rng(0).permutation(remembered)[:count])
        short[name] = {key: array[chosen] if key in kept else array for key, array in arrays.items()}
        if name != FORECAST:
            short[name]["replay.added"] = np.full(2, len(chosen))
    return short


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Where any tuner stands, as its `state()` returned it."""
    arrays: dict[str, np.ndarray] = {}
    content = {"schema_version": SCHEMA_VERSION, "state": _without_arrays(state, "", arrays)}
    with new_directory(folder) as new:
        write_tensors(new / STATE_ARRAYS, arrays)
        write_json(new / STATE, content)


def read_state(folder: Path) -> dict[str, Any]:
    """What `write_state` wrote, for `restore`. UserError, naming the file, where it is missing or damaged."""
    content, arrays = read_json(folder / STATE, "a tuner's state"), read_tensors(folder / STATE_ARRAYS)
    if content.get("schema_version") != SCHEMA_VERSION or "state" not in content:
        raise UserError(
            f"{folder / STATE} is no tuner's state of version {SCHEMA_VERSION}; tune again from the records"
        )
    try:
        state: dict[str, Any] = _with_arrays(content["state"], arrays)
    except KeyError as error:
        raise UserError(f"{folder / STATE_ARRAYS} lacks {error}; copy both files again from their source") from None
    return state


def _check(path: Path, agent: Agent, arrays: Mapping[str, np.ndarray]) -> None:
    expected = agent.knowledge()
    weights = {name: array for name, array in arrays.items() if name == "weights"}
    check_tensors(path, weights, {"weights": expected["weights"].shape})
    replay = expected.keys() - {"weights"}
    if replay != arrays.keys() - {"weights"}:
        raise UserError(f"{path} lacks what the networks learnt from; copy it again from its source")
    if len(arrays["replay.reward"]) > agent.settings.replay:
        raise UserError(f"{path} remembers more than replay={agent.settings.replay} decisions; raise that setting")
    for name in replay - {"replay.added"}:
        if arrays[name].shape[1:] != expected[name].shape[1:]:
            raise UserError(f"{path}: {name} is of another discount or version; train it again with these settings")


def _check_forecast(path: Path, forecast: Forecast, arrays: Mapping[str, np.ndarray]) -> None:
    expected = forecast.state()
    if arrays.keys() != expected.keys():
        raise UserError(f"{path} lacks what the forecast learnt from; copy it again from its source")
    examples = len(arrays["shares"])
    shapes = {"weights": expected["weights"].shape, "rows": (examples, *expected["rows"].shape[1:])}
    check_tensors(path, arrays, {**shapes, "shares": (examples,)})


def _without_arrays(value: Any, name: str, arrays: dict[str, np.ndarray]) -> Any:
    """The same, with each array moved to `arrays` and its name left in its place."""
    if isinstance(value, np.ndarray):
        arrays[name] = value
        return {"array": name}
    if isinstance(value, Mapping):
        return {str(key): _without_arrays(each, f"{name}/{key}", arrays) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_arrays(each, f"{name}/{index}", arrays) for index, each in enumerate(value)]
    return value


def _with_arrays(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"array"}:
            return arrays[value["array"]]
        return {key: _with_arrays(each, arrays) for key, each in value.items()}
    if isinstance(value, list):
        return [_with_arrays(each, arrays) for each in value]
    return value
