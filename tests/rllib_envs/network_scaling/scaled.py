"""What several tests of network scaling begin with: a table that was really trained, on digits."""

from __future__ import annotations

from rllib_envs.network_scaling.accuracy_table import SHIPPED
from rllib_envs.problem import Benchmark

DIGITS = SHIPPED / "digits.json"
"""40 architectures of PreActResNet-18, two trainings of two epochs each."""


def benchmark(latency: float, memory: float, **changes) -> Benchmark:
    """On the Raspberry Pi's model of latencies, which is the same everywhere."""
    spec = {"table": str(DIGITS), "platform": "raspberrypi", "device": "cpu", "latency": latency, "memory": memory}
    return Benchmark(f"digits_{latency}s_{memory}MB", "network_scaling", {**spec, **changes})


TOY = Benchmark("toy", "network_scaling", {"toy": True})
