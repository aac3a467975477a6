"""A setup as a person gives it: applications, the video, and the network that they come from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from launcher.folders import find_policy
from launcher.stem.options import SchedulingOptions, SetupOptions
from models.store.atomic import new_file, read_json
from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.accuracy_files import SUFFIX, read_application
from rllib_envs.stem_sharing.application import Application
from rllib_envs.stem_sharing.checked import no_others
from rllib_envs.stem_sharing.schedule import Schedule
from rllib_envs.stem_sharing.scheduler import Scheduler
from rllib_envs.stem_sharing.task import PROBLEM, Task
from rllib_envs.suite import read_benchmark

POLICY = "policy"
"""The scheduler that the newest run here has learnt."""


class Setup(NamedTuple):
    """The dictionaries that `Scheduler` takes, which also checks what is in them."""

    apps: Sequence[Mapping[str, Any]]
    video_desc: Mapping[str, Any]
    model_desc: Mapping[str, Any]

    def scheduler(self, options: SchedulingOptions, mode: str) -> Scheduler:
        votes = {"x_vote": options.x_vote} if options.x_vote else {}
        apps = [{**app, **votes} for app in self.apps]
        scheduler = _by_policy() if options.scheduler == POLICY else options.scheduler
        return Scheduler(apps, self.video_desc, self.model_desc, options.quality, scheduler, mode)

    def in_turns(self, count: int) -> Setup:
        """So many applications: these again and again, each with an id of its own."""
        turns = (self.apps[index % len(self.apps)] for index in range(count))
        return self._replace(apps=[{**app, "app_id": f"{app.get('app_id')}_{turn}"} for turn, app in enumerate(turns)])


def _by_policy() -> Callable[[Task], Schedule]:
    """UserError without a policy."""
    from eval.policy_schedule import schedule

    return partial(schedule, find_policy(None, PROBLEM)[1])


def read_setup(path: Path, accuracies: Sequence[Path] = ()) -> Setup:
    """From {"apps": [...], "video_desc": {...}, "model_desc": {...}}, or from a benchmark.

    Applications of files of accuracies take the place of those in it, and are called as the files are.
    """
    content = read_json(path, "a setup of applications")
    if "problem" in content:
        benchmark = read_benchmark(path)
        if benchmark.problem != PROBLEM:
            raise UserError(f"benchmark file {path} is of problem {benchmark.problem!r}, not {PROBLEM!r}")
        names = {"apps": "applications", "model_desc": "network"}
        content = {name: benchmark.spec.get(old) for name, old in names.items()}
        content["video_desc"] = {"stream_fps": benchmark.spec.get("stream_fps", 15)}
    if accuracies:
        content["apps"] = [read_application(file, file.name.removesuffix(SUFFIX)).to_spec() for file in accuracies]
    return setup_of(content, str(path))


def setup_of(content: Mapping[str, Any], what: str) -> Setup:
    """From the three entries. Raises UserError that calls them `what`."""
    no_others(content, Setup._fields, what)
    setup = Setup(*(content.get(name) for name in Setup._fields))  # type: ignore[arg-type]  # checked below
    if not isinstance(setup.apps, list) or not all(isinstance(app, dict) for app in setup.apps) or not setup.apps:
        raise UserError(f"{what} needs apps: a list of objects, one at least; or give files of accuracies")
    if not isinstance(setup.video_desc, dict) or not isinstance(setup.model_desc, dict):
        raise UserError(f"{what} needs video_desc and model_desc, both of them objects")
    return setup


MODEL_DESC = "model_desc.json"
"""In a folder of models: what the layers of their base network take."""
MODEL_SUFFIX = ".safetensors"


def run_setup(options: SetupOptions) -> None:
    """Write a setup of the applications, with the usual events, which people change there."""
    model_desc = read_json(options.model_dir / MODEL_DESC, "what the layers of a base network take (model_desc)")
    apps = [_with_models(read_application(path, path.name.removesuffix(SUFFIX))) for path in options.accuracies]
    setup = Setup([app.to_spec() for app in apps], {"stream_fps": options.stream_fps}, model_desc)
    Scheduler(*setup)  # which checks it
    with new_file(options.setup) as draft:
        draft.write_text(json.dumps(setup._asdict(), indent=1) + "\n")
    print(f"setup of {len(apps)} applications: {options.setup}")


def _with_models(app: Application) -> Application:
    """With the names of the files that a trainer wrote its models to."""
    named = (
        variant._replace(model_path=f"{app.app_id}-{variant.freeze_point}{MODEL_SUFFIX}") for variant in app.variants
    )
    return replace(app, variants=tuple(named))
