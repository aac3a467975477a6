"""Tune the kernels of one network."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from eval.kernel_tuners.searchers import Searcher, make_searcher
from eval.network_tuning.allotment import Standing
from eval.network_tuning.config import SHIPPED, AutotunerSettings
from eval.network_tuning.journal import TRIALS, Journal
from eval.network_tuning.tuning import Report, Tuning
from models.ga_dqn.knowledge import read_knowledge, write_knowledge
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import Knowledge
from models.policy import Policy
from models.shipped import shipped_knowledge
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.crew import MeasuringCrew
from rllib_envs.kernel_tuning.measured_on import measured_on
from rllib_envs.kernel_tuning.module_task import ModuleTask
from rllib_envs.kernel_tuning.networks.process import NetworkProcess
from rllib_envs.kernel_tuning.networks.protocol import LeftOut, NetworkTask

KNOWLEDGE = "knowledge"
"""Folder of what GA-DQN has learnt, beside the tuning records."""


@dataclass(frozen=True)
class TunedNetwork:
    """What came of it."""

    name: str
    folder: Path
    """Of the tuning records."""
    standings: Sequence[Standing]
    left_out: Sequence[LeftOut]
    """Functions that are not tuned, and why."""


class _Opened(NamedTuple):
    kernels: list[tuple[ModuleTask, int]]
    left_out: list[LeftOut]


def tune_network(
    name: str, target: str, settings: AutotunerSettings, folder: Path, report: Report, networks: NetworkProcess
) -> TunedNetwork:
    """Until the budget is spent; goes on from what is in the folder. What was learnt and found is kept in any case.

    UserError for a target that the machine lacks, for what the tuner can't use, and for a folder that was begun with
    another tuner, policy, seed or machine.
    """
    head = {"network": name, "target": target, "tuner": settings.tuner, "seed": settings.seed}
    knowledge, policy = _knowledge(settings, folder), Policy.load(settings.policy) if settings.policy else None
    if policy is not None:
        head["policy"] = policy.digest
    with (
        MeasuringCrew(settings.workers, settings.limit_s) as crew,
        closing(
            make_searcher(settings.tuner, lambda task: crew.open(task).space, settings.seed, knowledge, policy)
        ) as searcher,
        closing(Journal(folder / TRIALS, {**head, "measured_on": measured_on()})) as journal,  # last: it writes
    ):
        tuning = Tuning(searcher, crew, journal, settings.budget, settings.batch, report)
        extracted = networks.extract(name)
        opened = _open([one._replace(task=replace(one.task, target=target)) for one in extracted.tasks], crew)
        try:
            standings = tuning.run(opened.kernels)
        finally:
            _keep_knowledge(searcher, folder, name)
    return TunedNetwork(name, folder, standings, [*extracted.left_out, *opened.left_out])


def _open(tasks: Sequence[NetworkTask], crew: MeasuringCrew) -> _Opened:
    opened = _Opened([], [])
    for task, weight in tasks:
        try:
            crew.open(task)
            opened.kernels.append((task, weight))
        except UserError as error:
            opened.left_out.append(LeftOut(task.name, weight, str(error)))
    if not opened.kernels:
        first = f": {opened.left_out[0].reason}" if opened.left_out else ""
        raise UserError(f"the network has no kernel that can be tuned{first}")
    return opened


def _knowledge(settings: AutotunerSettings, folder: Path) -> Knowledge | None:
    """What an earlier part of this tuning has learnt, or another tuning, or what is shipped."""
    learns = settings.tuner == "ga_dqn"
    source: Path | None
    if learns and (folder / KNOWLEDGE).exists():
        source = folder / KNOWLEDGE
    elif settings.transfer_from == SHIPPED:
        source = shipped_knowledge() if learns else None
    else:
        source = Path(settings.transfer_from) if settings.transfer_from else None
    return read_knowledge(source, GADQNSettings()) if source else None


def _keep_knowledge(searcher: Searcher, folder: Path, name: str) -> None:
    knowledge = searcher.knowledge()
    if knowledge is not None:
        write_knowledge(folder / KNOWLEDGE, knowledge, GADQNSettings(), {"network": name})
