"""An executor that only says what one with some capacity would reach."""

from __future__ import annotations

from collections.abc import Sequence

from rllib_envs.stem_sharing.executor.messages import BadNets
from rllib_envs.stem_sharing.nets import WireNet
from rllib_envs.stem_sharing.network import BaseNetwork

IDLE_S = 1.0


class Simulator:
    """All nets slow down alike when they cost more than `capacity`, in latency times frames/s."""

    def __init__(self, network: BaseNetwork, capacity: float) -> None:
        self._network, self._capacity = network, capacity
        points = range(network.layers + 1)
        self._points = {f"layer_{point}": point for point in points} | {
            network.tensor(point): point for point in points
        }

    def deploy(self, nets: Sequence[WireNet]) -> list[float]:
        cost = sum(self._cost(net) for net in nets)
        share = min(1.0, self._capacity / cost) if cost else 1.0
        return [net.target_fps * share for net in nets if not net.shared]

    def work(self) -> float:
        return IDLE_S

    def _cost(self, net: WireNet) -> float:
        """Nets of applications go on to the end, whatever the network's output is called."""
        start, end = self._point(net.input_layer), self._network.layers
        if net.shared:
            end = self._point(net.output_layer)
        if start > end:
            raise BadNets(f"net {net.net_id} goes back from {net.input_layer!r} to {net.output_layer!r}")
        return self._network.between(start, end) * net.target_fps

    def _point(self, name: str) -> int:
        if name not in self._points:
            raise BadNets(f"the network has no tensor {name!r}; give the executor the scheduler's setup")
        return self._points[name]
