"""A secret that who asks and who answers share, for when they are not on one machine.

The key for CurveZMQ (RFC 26 of ZeroMQ) of who answers is made of it. Its public half is never sent in the clear, so
only who knows the secret can say anything at all, and nobody can listen.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.executor.sockets import zmq

SHORTEST = 24
"""Characters: what is heard on the network must not let a secret be guessed."""
LOCAL = ("tcp://127.", "tcp://localhost:", "tcp://[::1]:", "ipc://")


def read_token(path: Path) -> str:
    """The secret in a file. Raises UserError."""
    try:
        token = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the token {path} can't be read: {error}") from None
    if len(token) < SHORTEST:
        raise UserError(f"the token in {path} has {len(token)} characters; make it {SHORTEST} random ones at least")
    return token


def is_local(address: str) -> bool:
    """Whether only this machine gets there."""
    return address.startswith(LOCAL)


def lock_server(socket: Any, token: str, purpose: bytes) -> None:
    socket.curve_publickey, socket.curve_secretkey = _keys(token, purpose)
    socket.curve_server = True


def unlock_client(socket: Any, token: str, purpose: bytes) -> None:
    socket.curve_publickey, socket.curve_secretkey = zmq().curve_keypair()
    socket.curve_serverkey = _keys(token, purpose)[0]


def _keys(token: str, purpose: bytes) -> tuple[bytes, bytes]:
    """Public and secret, as 40 characters of Z85 each."""
    library = zmq()
    secret = library.utils.z85.encode(hashlib.sha256(purpose + token.encode()).digest())
    return library.curve_public(secret), secret
