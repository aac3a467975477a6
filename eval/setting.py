"""Under which conditions a comparison is carried out. What was measured under others does not count here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from eval.baselines import Baselines
from eval.plan import Plan
from eval.remeasure import ROUNDS
from models.store.versions import hardware
from rllib_envs.problem import Problem

SHOWN = 60
"""Characters of a value in a message."""
NOTHING = "nothing"


def setting_of(problem: Problem[Any], plan: Plan, policy_digest: str) -> dict[str, str]:
    """Everything that results depend on, as text by name."""
    benchmarks = hashlib.sha256("\n".join(each.to_json() for each in plan.benchmarks).encode()).hexdigest()
    return {
        "problem": problem.name,
        "problem's configuration": json.dumps(dict(problem.config), sort_keys=True),
        "actions": " ".join(problem.actions),
        "benchmarks": f"{len(plan.benchmarks)} with hash {benchmarks[:12]}",
        "methods": " ".join(plan.methods),
        "seeds": " ".join(map(str, plan.seeds)),
        "budget": str(plan.budget),
        "steps": str(plan.horizon or problem.horizon),
        "policy": policy_digest or NOTHING,
        "baselines": " ".join(plan.baselines(problem)) or NOTHING,
        "limits of baselines": str(plan.baselines.limits) if isinstance(plan.baselines, Baselines) else NOTHING,
        "rounds": str(ROUNDS),
        "hardware": problem.measured_on() or str(hardware()["processor"]),
    }


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """What is not the same in two settings, in one line; empty where all is."""
    names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    return ", ".join(
        f"{name} was {_short(before.get(name, NOTHING))} and is now {_short(now.get(name, NOTHING))}" for name in names
    )


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
