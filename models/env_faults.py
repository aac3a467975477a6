"""How the driver learns what an environment raised in another process, which RLlib restarts without a word."""

from __future__ import annotations

from rllib_envs.errors import TunewrightError

SESSION = "session"
"""The key of an environment's config that names the training session."""
NAMESPACE = b"tunewright-faults"


class EnvironmentFailed(TunewrightError):
    """An environment raised where it must not. The message is its own."""


def report_fault(session: str, error: BaseException) -> None:
    """Leave the first such error of a training session where its driver looks. Without Ray there is no driver."""
    import ray

    if ray.is_initialized():
        from ray.experimental.internal_kv import _internal_kv_put

        text = f"{type(error).__name__}: {error}"
        _internal_kv_put(session.encode(), text.encode(), overwrite=False, namespace=NAMESPACE)


def check_faults(session: str) -> None:
    """Raise EnvironmentFailed when an environment of this session reported one."""
    from ray.experimental.internal_kv import _internal_kv_get

    text = _internal_kv_get(session.encode(), namespace=NAMESPACE)
    if text:
        raise EnvironmentFailed(f"an environment raised {text.decode()}")
