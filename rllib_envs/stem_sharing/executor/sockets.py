"""ZeroMQ, which only those need who deploy, or who ask a server of jobs."""

from __future__ import annotations

from typing import Any

from rllib_envs.errors import MissingPackage


def zmq() -> Any:
    """The module. Raises MissingPackage."""
    try:
        import zmq
        import zmq.utils.monitor
        import zmq.utils.z85
    except ImportError:
        raise MissingPackage("deploying, and servers of jobs, need pyzmq; pip install 'tunewright[stems]'") from None
    return zmq
