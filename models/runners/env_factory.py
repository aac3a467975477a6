"""Environments from whatever RLlib's `config.environment(...)` was given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium

IN_PROCESSES = "env_processes"
"""Key of RLlib's `env_config` that is for the runner, not for the environment: give each one a process of its own."""


class EnvConfig(dict[str, Any]):
    """The `env_config` with its place, under the names of RLlib's `EnvContext`.

    Not that class itself: a process of one environment would have to import RLlib for it, which takes 4 seconds and
    270 MB more than the environment does.
    """

    def __init__(self, config: Mapping[str, Any], worker_index: int, vector_index: int, num_workers: int) -> None:
        super().__init__(config)
        self.worker_index = worker_index
        self.vector_index = vector_index
        self.num_workers = num_workers
        self.remote = False
        self.recreated_worker = False

    def __reduce__(self) -> tuple[Any, ...]:
        return EnvConfig, (dict(self), self.worker_index, self.vector_index, self.num_workers)


@dataclass(frozen=True)
class EnvFactory:
    """Makes the environments of one worker; `vector_index` counts them."""

    creator: Callable[[EnvConfig], gymnasium.Env[Any, Any]] | gymnasium.envs.registration.EnvSpec
    """A class or function of the config, or a registered environment of Gymnasium."""
    config: Mapping[str, Any]
    worker_index: int
    num_workers: int

    def __call__(self, vector_index: int) -> gymnasium.Env[Any, Any]:
        if isinstance(self.creator, gymnasium.envs.registration.EnvSpec):
            return gymnasium.make(self.creator, disable_env_checker=True, **self.config)
        return self.creator(EnvConfig(self.config, self.worker_index, vector_index, self.num_workers))


def env_factory(env: Any, config: Mapping[str, Any], worker_index: int, num_workers: int) -> EnvFactory:
    """Resolve `config.env` in RLlib's order: a name registered with Ray, a class or function, a name of Gymnasium."""
    from ray.tune.registry import ENV_CREATOR, _global_registry

    if not env:
        raise ValueError("`config.env` is not set; name an environment with `config.environment(...)`")
    if isinstance(env, str) and _global_registry.contains(ENV_CREATOR, env):  # type: ignore[no-untyped-call]
        creator = _global_registry.get(ENV_CREATOR, env)  # type: ignore[no-untyped-call]
    elif callable(env):
        creator = env
    else:
        creator = gymnasium.spec(env)
    config = {name: value for name, value in config.items() if name != IN_PROCESSES}
    return EnvFactory(creator, config, worker_index, num_workers)
