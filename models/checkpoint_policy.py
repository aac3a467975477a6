"""The policy of a checkpoint, for a run that came without its `policy/`. Needs no Ray, and trusts nothing it reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from models.checkpoint import Checkpoint
from models.encoders.config import EncoderConfig
from models.policy import Policy
from models.trainers.registry import TRAINERS
from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.problem import ObservationSpec
from rllib_envs.registry import make_problem

NETWORK = "module/network."
"""What the names of the acting network's weights begin with in a checkpoint."""


def policy_of(directory: Path, env: Mapping[str, Any]) -> Policy:
    """The policy that was saved in a checkpoint.

    `env` is what the run was trained on, as in `TrainSettings.env`. Raises Damaged, naming the file, when the
    checkpoint isn't what was written, and UserError when it describes no policy.
    """
    checkpoint = Checkpoint.read(directory)
    identity, settings = checkpoint.identity, checkpoint.settings
    try:
        trainer = choose(identity["trainer"], TRAINERS, "trainer")
        problem = make_problem(identity["problem"], env.get("problem_config"))
        try:
            problem_config, horizon = dict(problem.config), env.get("horizon") or problem.horizon
        finally:
            problem.close()
        return Policy(
            kind=TRAINERS[trainer].kind,
            problem=identity["problem"],
            problem_config=problem_config,
            actions=tuple(map(str, identity["actions"])),
            spec=ObservationSpec(**identity["observation"]),
            horizon=horizon,
            encoder=EncoderConfig(**identity["network"]),
            weights={
                name.removeprefix(NETWORK): array
                for name, array in checkpoint.learner.items()
                if name.startswith(NETWORK)
            },
            provenance={
                "suite": Path(env["suite"]).name,
                "suite_hash": str(settings["suite_hash"]),
                "env": dict(env),
                "seed": settings["seed"],
                "trainer": trainer,
                **asdict(checkpoint.counters),
            },
        )
    except (KeyError, TypeError) as error:
        raise UserError(f"{directory} describes no policy: {type(error).__name__} {error}; use another one") from None
