"""The program that measures latencies, as one file that runs on a device with Python and PyTorch alone."""

from __future__ import annotations

import os
import zipapp
from pathlib import Path
from tempfile import TemporaryDirectory

from rllib_envs.errors import UserError

SOURCES = Path(__file__).resolve().parent.parent.parent
MODULES = (
    "rllib_envs/__init__.py",
    "rllib_envs/errors.py",
    "rllib_envs/names.py",
    "rllib_envs/torch_threads.py",
    *(
        f"rllib_envs/network_scaling/{name}.py"
        for name in (
            "__init__",
            "architecture",
            "device_script",
            "efficientnet",
            "latency_file",
            "layers",
            "networks",
            "platforms",
            "preactresnet",
            "scaling",
            "timing",
        )
    ),
)
"""What the program consists of: the very files that are used here."""
START = "rllib_envs.network_scaling.device_script:main"


def write_device_script(path: Path) -> None:
    """Write `path`, a zipped application that `python3 path` runs. UserError where it can't be written."""
    try:
        with TemporaryDirectory() as folder:
            for module in MODULES:
                copy = Path(folder) / module
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text((SOURCES / module).read_text())
            draft = path.with_name(f".{path.name}.{os.getpid()}")
            zipapp.create_archive(folder, draft, main=START, compressed=True)
            draft.replace(path)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error}; choose another place") from None
