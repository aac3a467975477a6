"""Whose account at Weights & Biases is used: where its key is looked for, and that it goes no further.

The key is in no argument, file or environment of what we start: every command begins with `hide_key`, and only the
mirror's process gets it, through a pipe.
"""

from __future__ import annotations

import netrc
import os
import stat
from pathlib import Path
from urllib.parse import urlsplit

from launcher.tracking.reference import BASE_URL
from rllib_envs.errors import UserError

KEY_VARIABLE = "WANDB_API_KEY"
KEY_FILE = "wandb_key.txt"
"""Under $LOOP_TOOL_ROOT, or here where that isn't set."""
PUBLIC_HOSTS = ("api.forge.coreweave.com", "api.wandb.ai")
"""The same server: the name that `wandb login` of wandb 0.31 notes, and that of earlier ones."""
SHORTEST_KEY = 40
HOW_WITHOUT_ENVIRONMENT = f"run `wandb login`, or write the key into {KEY_FILE} with mode 600"
HOW = f"set {KEY_VARIABLE}, {HOW_WITHOUT_ENVIRONMENT}"


_hidden: list[str] = []
"""The key that was in the environment."""


def hide_key() -> None:
    """Take it out of this process's environment, so that no child inherits it."""
    if KEY_VARIABLE in os.environ:
        _hidden[:] = [os.environ.pop(KEY_VARIABLE)]


def find_key(for_jobs: bool = False) -> str | None:
    """The key, from the environment, the key file or ~/.netrc; None where there is none.

    `for_jobs`: only from the latter, where jobs look for it, to which the environment's is not handed. UserError for a
    key file that others may read, and for something that can be no key.
    """
    hide_key()
    given = "" if for_jobs else "".join(_hidden).strip()
    path = Path(os.environ.get("LOOP_TOOL_ROOT") or ".") / KEY_FILE
    origin, key = KEY_VARIABLE, given or None
    if not key:
        origin, key = str(path), _from_file(path)
    if not key:
        origin, key = str(_netrc()), _from_netrc()
    if key and (len(key) < SHORTEST_KEY or not key.isprintable() or " " in key):
        what = f"{len(key)} characters, and a key has {SHORTEST_KEY}"
        raise UserError(f"{origin} holds no key of Weights & Biases: {what}")
    return key


def hidden() -> bool:
    """Whether there was one in the environment, which nothing that we start will find there."""
    return bool(_hidden)


def host() -> str:
    """Of the server that the key is for."""
    return _hosts()[-1]


def _hosts() -> tuple[str, ...]:
    """As ~/.netrc may name it: of a server of one's own, the client notes the port, too."""
    address = urlsplit(os.environ.get(BASE_URL, ""))
    return (address.netloc, address.hostname) if address.hostname else PUBLIC_HOSTS


def _from_file(path: Path) -> str | None:
    if not path.is_file():
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise UserError(f"{path} can be read by others (mode {mode:o}); chmod 600 {path}")
    return path.read_text().strip() or None


def _netrc() -> Path:
    return Path(os.environ.get("NETRC") or Path.home() / ".netrc")


def _from_netrc() -> str | None:
    try:
        known = netrc.netrc(_netrc()).hosts  # and not what it has for any other machine
    except (OSError, netrc.NetrcParseError):
        return None
    return next((known[host][2] for host in _hosts() if host in known), None)
