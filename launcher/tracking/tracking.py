"""Whether and where a training is shown, and showing it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from launcher.tracking.account import HOW, find_key
from launcher.tracking.live_mirror import LiveMirror
from launcher.tracking.mirrored import Mirrored
from launcher.tracking.settings import check_limits, load_wandb
from models.store.run_directory import RunDirectory
from rllib_envs.errors import UserError
from rllib_envs.names import choose

ONLINE, OFFLINE, OFF = MODES = ("online", "offline", "off")
MODE_VARIABLE = "WANDB_MODE"
CLIENT_MODES = {"disabled": OFF, "dryrun": OFFLINE, "run": ONLINE}
"""What the client's own variable may also say."""


class Tracking(NamedTuple):
    """What is to become of a run at Weights & Biases."""

    mode: str
    """"online": as it trains. "offline": later, by `tunewright sync`. "off": nothing."""
    project: str
    entity: str = ""
    group: str = ""
    tags: tuple[str, ...] = ()
    key: str | None = None

    @classmethod
    def decide(cls, wanted: str, project: str, entity: str, group: str, tags: tuple[str, ...]) -> Tracking:
        """`wanted` is a mode, or "" for what the environment says: online where there is a key, else off.

        UserError for an unknown mode, and where online is asked for and there is no key.
        """
        asked = wanted or os.environ.get(MODE_VARIABLE, "")
        mode = choose(CLIENT_MODES.get(asked, asked), MODES, "mode of Weights & Biases") if asked else ""
        key = find_key() if mode in ("", ONLINE) else None
        if mode == ONLINE and key is None:
            raise UserError(f"--wandb online needs a key: {HOW}; or train with --wandb offline, and sync later")
        if not mode and key is None:
            print(f"not shown at Weights & Biases, for there is no key; to change that, {HOW}", flush=True)
        mode = mode or (ONLINE if key else OFF)
        if mode == ONLINE:
            load_wandb()
            check_limits()
        return cls(mode, project, entity, group, tags, key)


@contextmanager
def mirrored(tracking: Tracking, run: Path) -> Iterator[None]:
    """Mirror the run meanwhile, as it is decided. A run that was mirrored before goes on as the same run there."""
    if tracking.mode == OFF:
        yield
        return
    known = Mirrored.of(run) or Mirrored.new(
        RunDirectory(run), tracking.project, tracking.entity, tracking.group, tracking.tags
    )
    replace(known, complete=False, failures=0, error="").write(run)
    if tracking.mode == OFFLINE or tracking.key is None:
        print(f"Weights & Biases: later, by  tunewright sync {run}", flush=True)
        yield
        return
    with LiveMirror(run, tracking.key):
        yield
