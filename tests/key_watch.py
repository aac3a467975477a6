"""Whether a key is where it must not be: in a process's arguments or environment, or in a file."""

from __future__ import annotations

import os
import threading
from pathlib import Path

WATCH_S = 0.1


class KeyWatch:
    """Looks at every process that has `folder` in its environment, for as long as the block runs."""

    def __init__(self, key: str, folder: Path, given: str) -> None:
        """`given` is in the arguments of those that were given the key: nothing can take it out of /proc again."""
        self.found: set[str] = set()
        self.seen: set[str] = set()
        self._key, self._folder, self._given = key.encode(), str(folder).encode(), given
        self._known: dict[str, bytes] = {}
        """By process, the arguments with which it was looked at. Its environment is another one only with others."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> KeyWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def saw(self, part: str) -> bool:
        """Whether there was a process with this in its arguments."""
        return any(part in name for name in self.seen)

    def _look(self) -> None:
        while not self._over.wait(WATCH_S):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    command = (process / "cmdline").read_bytes()
                    if self._known.get(process.name) == command:
                        continue
                    environment = (process / "environ").read_bytes()
                except OSError:
                    continue
                if environment:  # it has none for a moment while it starts
                    self._known[process.name] = command
                if self._folder not in environment or int(process.name) == os.getpid():
                    continue
                name = command.replace(b"\0", b" ").decode(errors="replace")
                self.seen.add(name)
                if self._key in command or (self._key in environment and self._given not in name):
                    self.found.add(name)


def files_with(key: str, folder: Path) -> list[Path]:
    """Those below a folder that hold the key."""
    holding = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and key.encode() in path.read_bytes():
                holding.append(path)
        except OSError:
            continue  # it has gone meanwhile
    return holding
