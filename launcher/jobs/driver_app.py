"""Kernel tuning as a job: what `eval/driver.py` does, on a node of the cluster."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rllib_envs.errors import UserError


@dataclass(frozen=True)
class KernelDriver:
    """`driver.py`: tune the kernels of networks, time networks, learn from kernels, or compare tuners.

    A `save_path` of the configuration that is not absolute lies in the run directory.
    """

    distributed = False

    def check(self, arguments: Sequence[str]) -> str:
        mode, content = _read(arguments)
        if mode == "learn":
            return mode
        return "-".join([mode, *(content["experiments"]["names"] if mode == "experiment" else content["models"])])

    def copies(self, arguments: Sequence[str], count: int) -> list[list[str]]:
        mode, content = _read(arguments)
        if mode != "tune":
            raise UserError(f"--jobs are runs that differ in their seed, and mode {mode} has none; launch one job")
        settings, copies = content["autotuner_settings"], []
        first = settings.get("seed", 0)
        for index in range(count):
            settings["seed"] = first + index
            copies.append([f"--mode={mode}", f"--config={json.dumps(content)}"])
        return copies

    def sweep(self, arguments: Sequence[str], count: int) -> list[list[str]]:
        raise UserError("--sweep is for trainings; launch driver.py once for each configuration")

    def run(self, arguments: Sequence[str], run: Path, cpus: int) -> None:
        """Each process that measures has a physical core, of those that the job has; `cpus` is not looked at."""
        from eval.driver import MODES, make_console, parsed

        name, config = parsed(arguments)
        mode = MODES[name]
        mode.run(mode.within(mode.read(config), run), make_console())


def _read(arguments: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The mode, and the configuration, in which nothing is wrong."""
    from eval.driver import MODES, parsed
    from eval.kernel_tuners.sections import read_content

    mode, config = parsed(arguments)
    MODES[mode].read(config)
    return mode, read_content(config)
