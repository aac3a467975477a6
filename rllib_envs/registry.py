"""The problems by name. A name that a person types never reaches an import; only this table does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.problem import Problem


def _toy(**config: Any) -> Problem[Any]:
    from rllib_envs.toy import Toy

    return Toy(**config)


def _loop_nest(**config: Any) -> Problem[Any]:
    from rllib_envs.loop_nest import LoopNest

    return LoopNest(**config)


def _streaming_engine(**config: Any) -> Problem[Any]:
    from rllib_envs.streaming_engine.problem import StreamingEngine

    return StreamingEngine(**config)


PROBLEMS: Mapping[str, Callable[..., Problem[Any]]] = {
    "loop_nest": _loop_nest,
    "streaming_engine": _streaming_engine,
    "toy": _toy,
}


def make_problem(name: str, config: Mapping[str, Any] | None = None) -> Problem[Any]:
    """Build a problem; `config` holds its keyword arguments, as in `Problem.config`."""
    build = PROBLEMS[choose(name, PROBLEMS, "problem")]
    try:
        return build(**(config or {}))
    except TypeError as error:
        raise UserError(f"problem {name!r} does not take this configuration: {error}") from None
