"""What runs on the box at some time, and who sees nothing yet because it was deployed just now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rllib_envs.online_sharing.trace import Restarts
from rllib_envs.stem_sharing.schedule import Choice

Deployed = tuple[Choice | None, ...]
"""A choice for each application of the trace, in their order; None for those that don't run. Applications that have
departed run on until others are deployed, since an executor keeps its nets until it is sent new ones."""


@dataclass(frozen=True)
class Running:
    """What is deployed, and for how much longer each application is without detections."""

    deployed: Deployed
    stopped_s: tuple[float, ...]
    """Seconds, of each application of the trace."""

    @classmethod
    def undisturbed(cls, deployed: Deployed) -> Running:
        return cls(deployed, (0.0,) * len(deployed))

    def with_deployed(self, deployed: Deployed, redeploy_s: float, restarts: Restarts) -> Running:
        """From the moment on in which other nets are deployed. The same ones again stop nobody."""
        if deployed == self.deployed:
            return self
        stopped = tuple(
            redeploy_s if now is not None and (restarts is Restarts.ALL or now != before) else still
            for now, before, still in zip(deployed, self.deployed, self.stopped_s, strict=True)
        )
        return Running(deployed, stopped)

    def later(self, seconds: float) -> Running:
        """When it has gone on for so long."""
        if not any(self.stopped_s):
            return self
        return replace(self, stopped_s=tuple(max(0.0, still - seconds) for still in self.stopped_s))
