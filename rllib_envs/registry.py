"""The problems by name. A name that a person types never reaches an import; only this table does."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.problem import Problem


def _toy() -> type[Problem[Any]]:
    from rllib_envs.toy import Toy

    return Toy


def _loop_nest() -> type[Problem[Any]]:
    from rllib_envs.loop_nest import LoopNest

    return LoopNest


def _streaming_engine() -> type[Problem[Any]]:
    from rllib_envs.streaming_engine.problem import StreamingEngine

    return StreamingEngine


def _kernel_tuning() -> type[Problem[Any]]:
    from rllib_envs.kernel_tuning.problem import KernelTuning

    return KernelTuning


def _network_scaling() -> type[Problem[Any]]:
    from rllib_envs.network_scaling.problem import NetworkScaling

    return NetworkScaling


def _online_sharing() -> type[Problem[Any]]:
    from rllib_envs.online_sharing.problem import OnlineSharing

    return OnlineSharing


def _stem_sharing() -> type[Problem[Any]]:
    from rllib_envs.stem_sharing.problem import StemSharing

    return StemSharing


PROBLEMS: Mapping[str, Callable[[], type[Problem[Any]]]] = {
    "kernel_tuning": _kernel_tuning,
    "loop_nest": _loop_nest,
    "network_scaling": _network_scaling,
    "online_sharing": _online_sharing,
    "stem_sharing": _stem_sharing,
    "streaming_engine": _streaming_engine,
    "toy": _toy,
}


def make_problem(name: str, config: Mapping[str, Any] | None = None) -> Problem[Any]:
    """Build a problem; `config` holds its settings, which are its keyword arguments, as in `Problem.config`.

    UserError for an unknown problem or setting, and for a value that the problem refuses.
    """
    problem, settings = PROBLEMS[choose(name, PROBLEMS, "problem")](), config or {}
    known = inspect.signature(problem).parameters
    for setting in settings:
        choose(setting, known, f"setting of problem {name!r}")
    try:
        return problem(**settings)
    except TypeError as error:
        raise UserError(f"problem {name!r} does not take these settings: {error}") from None
