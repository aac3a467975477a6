"""One iteration of RLlib's `Algorithm`: what it reports, or one clear error."""

from __future__ import annotations

import time
from typing import Any

from models.algorithm_hooks import steps_played
from models.env_faults import check_faults
from models.interrupts import Interrupts
from models.root_cause import out_of_memory, root_cause
from rllib_envs.errors import TunewrightError

PATIENCE_SECONDS = 90.0
"""How long iterations may bring neither steps nor updates. All runners that die at once are back after 10 to 30 s."""
PAUSE_SECONDS = 0.5
"""Between two looks while nothing comes, so that waiting does not take the processor from what is waited for."""


class TrainingError(TunewrightError):
    """Training can't go on. The message gives the cause; checkpoints written before are intact."""


class OutOfMemory(TrainingError):
    """What an iteration needed did not fit into the memory of the processor or of a GPU."""


def next_result(algorithm: Any, number: int, steps_before: int, session: str, interrupts: Interrupts) -> dict[str, Any]:
    """What `train` reports the next time that it brought environment steps, counted from `steps_before`, or updates.

    `session` is the name under which environments report what they raise. Raises TrainingError, which names the
    iteration's `number`, when a call fails or when nothing comes for `PATIENCE_SECONDS`.
    """
    started = time.monotonic()
    while True:
        interrupts.check()
        result = _trained(algorithm, number, session)
        # A sum of nothing is NaN in RLlib's reports, and a figure that never was is missing.
        updates = result.get("learners", {}).get("__all_modules__", {}).get("num_module_steps_trained", 0)
        if steps_played(algorithm) > steps_before or updates > 0:
            return result
        silence = time.monotonic() - started
        if silence > PATIENCE_SECONDS:
            raise TrainingError(
                f"iteration {number} brought neither an environment step nor an update in {silence:.0f} s: all "
                "environment runners failed, or take too long for a fragment of episodes. "
                "With env_runners=0 the same training shows the cause"
            )
        time.sleep(PAUSE_SECONDS)


def _trained(algorithm: Any, number: int, session: str) -> dict[str, Any]:
    try:
        result: dict[str, Any] = algorithm.train()
        check_faults(session)
    except Exception as error:
        cause = root_cause(error)
        if out_of_memory(cause):
            raise OutOfMemory(
                f"iteration {number} ran out of memory: {cause or 'the system gave no more'}; "
                "take a smaller batch or network"
            ) from error
        raise TrainingError(f"iteration {number} failed with {type(cause).__name__}: {cause}") from error
    return result
