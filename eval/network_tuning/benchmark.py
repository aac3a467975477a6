"""A network's latency: by PyTorch, and by TVM without and with tuning records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.store.atomic import write_json
from rllib_envs.errors import MeasuringError, UserError
from rllib_envs.kernel_tuning.database_files import RECORDS
from rllib_envs.kernel_tuning.networks.process import NetworkProcess
from rllib_envs.kernel_tuning.networks.protocol import TORCH, TUNED, UNTUNED, WAYS, Timed

MOST_ERROR = 1e-3
"""Of an output, relative to the largest: both round in float32, in another order."""


@dataclass(frozen=True)
class Latencies:
    """Seconds of one network."""

    network: str
    fastest: Mapping[str, float]
    """By way, of all rounds."""
    median: Mapping[str, float]
    """By way: the smallest of the rounds' medians."""
    error: Mapping[str, float]
    """By way: the largest difference from PyTorch's output, relative to the largest output."""
    applied: int
    """How many functions had a record."""
    versions: Mapping[str, str]

    @property
    def over_untuned(self) -> float:
        """How many times faster TVM is with records than without."""
        return self.fastest[UNTUNED] / self.fastest[TUNED]

    @property
    def over_torch(self) -> float:
        """How many times faster TVM with records is than PyTorch in one thread."""
        return self.fastest[TORCH] / self.fastest[TUNED]

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "over_untuned": self.over_untuned, "over_torch": self.over_torch}


def benchmark_network(
    name: str, records: Path, rounds: int, networks: NetworkProcess, say: Callable[[str], None] = lambda text: None
) -> Latencies:
    """In each round every way has its turn, so that what disturbs one disturbs all. All outputs are verified.

    UserError where there are no records, and MeasuringError where an output is wrong.
    """
    if not (records / RECORDS).exists():
        raise UserError(f"{records} has no tuning records of TVM; tune {name} first, or name another folder")
    timed: dict[str, list[Timed]] = {way: [] for way in WAYS}
    for number in range(rounds):
        for way in WAYS:
            say(f"{name}: round {number + 1} of {rounds}, {way}")
            timed[way].append(networks.latency(name, way, records if way == TUNED else None))
    error = {way: max(one.error for one in each) for way, each in timed.items()}
    wrong = [way for way in WAYS if not error[way] <= MOST_ERROR]
    if wrong:
        raise MeasuringError(
            f"the output of {name}, {wrong[0]}, is off by {error[wrong[0]]:.2g} of the largest; remove the records in "
            f"{records} and tune again"
        )
    ready = networks.ready()
    return Latencies(
        name,
        {way: min(one.seconds for one in each) for way, each in timed.items()},
        {way: min(one.median for one in each) for way, each in timed.items()},
        error,
        timed[TUNED][-1].applied,
        {"tvm": ready.version, "torch": ready.torch},
    )


def write_latencies(latencies: Latencies, folder: Path) -> Path:
    """As JSON, under the network's name."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{latencies.network}.json"
        write_json(path, latencies.to_json())
    except OSError as error:
        raise UserError(f"{folder} can't be written: {error.strerror}; choose another save_path") from None
    return path
