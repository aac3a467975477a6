"""Which nets look at which frame."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rllib_envs.stem_sharing.executor.messages import BadNets
from rllib_envs.stem_sharing.nets import WireNet

ROUNDING = 1e-9
"""Frames by which a sum of periods may be off."""

LAG = 1
"""Frames by which a net may be late because its parent's looks come at other times; what is later is lost."""


class Timetable:
    """Looks of a net are due at even distances; it has one at the first frame from then on at which its parent has one.

    A frame that nobody had time for does not come back. A net that has fallen behind makes up for one look at most.
    """

    def __init__(self, nets: Sequence[WireNet], stream_fps: float) -> None:
        if fast := next((net for net in nets if net.target_fps > stream_fps), None):
            raise BadNets(f"net {fast.net_id} is to run at {fast.target_fps:g} frames/s; the video has {stream_fps:g}")
        self._targets = [net.target_fps for net in nets]
        self._shared = [net.shared for net in nets]
        places = {net.net_id: place for place, net in enumerate(nets)}
        self.parents = [places.get(net.parent_id) for net in nets]
        """Place of each net's parent among the nets; None where it sees frames."""
        self._periods = [stream_fps / net.target_fps for net in nets]
        self._due = [0.0] * len(nets)
        self.looks = [0] * len(nets)
        """How many each net has had."""

    def at(self, frame: int) -> list[int]:
        """Places of the nets that run now, parents first. Frames are asked for in order, some are left out."""
        running: set[int] = set()
        for place, (parent, period) in enumerate(zip(self.parents, self._periods, strict=True)):
            if frame + ROUNDING >= self._due[place] and (parent is None or parent in running):
                running.add(place)
                self._due[place] = max(self._due[place] + period, frame - LAG)
                self.looks[place] += 1
        return sorted(running)

    def reached(self, frames: int) -> list[float]:
        """Frames/s of each net that is not shared over the first `frames` frames of the video: its share of the looks
        that could have come by then, of its target. So a net at one frame a second needs no long time to be judged.
        """
        return [
            target * min(1.0, looks / self._possible(place, frames))
            for place, (target, looks) in enumerate(zip(self._targets, self.looks, strict=True))
            if not self._shared[place]
        ]

    def _possible(self, place: int, frames: int) -> int:
        """Looks that were due early enough for a frame of the parent's to come."""
        parent = self.parents[place]
        wait = 0.0 if parent is None else self._periods[parent]
        return max(1, math.floor((frames - 1 - wait) / self._periods[place] + ROUNDING) + 1)
