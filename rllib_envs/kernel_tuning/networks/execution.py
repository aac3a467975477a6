"""Run a network: by PyTorch, or by TVM with and without tuning records. For processes with PyTorch and TVM alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import tvm
from tvm import relax

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.database import open_database
from rllib_envs.kernel_tuning.expression import FUNCTION
from rllib_envs.kernel_tuning.networks.build import Network

ENOUGH_S = 0.5
"""Runs are repeated for so long, of which the fastest counts."""
LEAST_RUNS, MOST_RUNS = 3, 50
OPT_LEVEL = 3
"""TVM applies tuning records at its highest level of optimisation alone."""


class Runner(NamedTuple):
    """A network that is ready to run on its input."""

    run: Callable[[], Any]
    output: Callable[[Any], np.ndarray]
    """Of what `run` returned, as float32."""
    applied: int = 0
    """How many functions had a tuning record."""


def by_torch(network: Network) -> Runner:
    """As its users run it, in one thread."""
    torch.set_num_threads(1)

    def run() -> torch.Tensor:
        with torch.inference_mode():
            result: torch.Tensor = network.module(network.input)
        return result

    return Runner(run, lambda result: result.numpy())


def by_tvm(network: Network, module: Any, target: Any, folder: str = "") -> Runner:
    """The imported module, compiled; with the records in a folder where one is given. UserError for what is none."""
    applied = 0
    if folder:
        module, applied = _with_records(module, target, Path(folder))
    machine = relax.VirtualMachine(tvm.compile(module, target), tvm.cpu())
    function, given = machine[FUNCTION], tvm.runtime.tensor(network.input.numpy())
    return Runner(lambda: function(given), lambda result: result.numpy(), applied)


def _with_records(module: Any, target: Any, folder: Path) -> tuple[Any, int]:
    try:
        database = open_database(folder)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"the tuning records in {folder} can't be read: {reason}; tune again into a new folder"
        ) from None
    with target, database, tvm.transform.PassContext(opt_level=OPT_LEVEL):
        tuned = relax.transform.MetaScheduleApplyDatabase()(module)
    return tuned, sum(_is_scheduled(function) for function in tuned.functions.values())


def _is_scheduled(function: Any) -> bool:
    """TVM marks the functions that it has replaced by scheduled ones."""
    return bool(function.attrs) and bool(function.attrs.get("tirx.is_scheduled", False))


def seconds(runner: Runner) -> list[float]:
    """Of repeated runs; the first run, which warms caches up, is not among them."""
    runner.run()
    took: list[float] = []
    while len(took) < LEAST_RUNS or (sum(took) < ENOUGH_S and len(took) < MOST_RUNS):
        began = time.perf_counter()
        runner.run()
        took.append(time.perf_counter() - began)
    return took


def relative_error(output: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, relative to the largest output; infinite for another shape and for what is no number."""
    if output.shape != expected.shape or not np.isfinite(output).all():
        return float("inf")
    return float(np.abs(output - expected).max() / np.abs(expected).max())
