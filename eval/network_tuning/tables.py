"""What came of tuning and timing networks, as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from eval.network_tuning.benchmark import Latencies
from eval.network_tuning.network import TunedNetwork
from eval.wording import seconds, times
from rllib_envs.kernel_tuning.networks.protocol import TORCH, TUNED, UNTUNED


def kernels_table(tuned: TunedNetwork) -> Table:
    """Each kernel, the most costly first."""
    table = Table(title=f"{tuned.name}: kernels, one call each", title_justify="left")
    for column in ("kernel", "calls", "untuned", "tuned", "speed-up", "of the time", "trials"):
        table.add_column(column, justify="left" if column == "kernel" else "right")
    total = sum(standing.share for standing in tuned.standings)
    for one in sorted(tuned.standings, key=lambda standing: -standing.share):
        table.add_row(
            one.task.name,
            str(one.weight),
            short(one.untuned),
            short(one.seconds),
            times(one.untuned / one.seconds),
            f"{one.share / total:.1%}",
            str(one.trials),
        )
    for left in tuned.left_out:
        table.add_row(left.name, str(left.weight), "not tuned", "", "", "", "")
    return table


def latency_table(found: Sequence[Latencies]) -> Table:
    """Each network."""
    table = Table(title="latency, one thread, all outputs verified", title_justify="left")
    for column in ("network", "PyTorch", "TVM untuned", "TVM tuned", "over untuned", "over PyTorch", "functions"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for one in found:
        times_of = (seconds(one.fastest[way]) for way in (TORCH, UNTUNED, TUNED))
        table.add_row(one.network, *times_of, times(one.over_untuned), times(one.over_torch), str(one.applied))
    return table


def short(value: float) -> str:
    """A kernel's time, in microseconds below a millisecond."""
    return f"{value * 1e6:.3g} us" if value < 1e-3 else seconds(value)
