"""RLlib's IMPALA and APPO, patient with runners that died."""

from __future__ import annotations

import time
from typing import Any

from ray.rllib.algorithms.appo import APPO
from ray.rllib.algorithms.impala import IMPALA

PATIENCE_SECONDS = 60.0
"""How long all environment runners may be dead at once. One is back within ten seconds."""
PAUSE_SECONDS = 0.1
"""Between two looks whether one is back."""


class PatientIMPALA(IMPALA):
    """Waits for a runner to come back when all have died.

    RLlib's own goes on with the environment runner of the learner's process, which has no environment.
    """

    config: Any
    env_runner_group: Any

    def setup(self, config: Any) -> None:
        super().setup(config)
        self._last_healthy = time.monotonic()

    def training_step(self) -> None:
        if self.config.num_env_runners == 0 or self.env_runner_group.num_healthy_remote_workers() > 0:
            self._last_healthy = time.monotonic()
            super().training_step()  # type: ignore[no-untyped-call]
            return
        # RLlib repeats this method until enough was played, which without runners would be for ever.
        silence = time.monotonic() - self._last_healthy
        if silence > PATIENCE_SECONDS:
            raise RuntimeError(f"no environment runner has been alive for {silence:.0f} s")
        time.sleep(PAUSE_SECONDS)


class PatientAPPO(PatientIMPALA, APPO):
    """The same for APPO."""
