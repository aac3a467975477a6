"""How the shipped policies came to be: what each training has cost, and how it went.

Beside a problem's policies, `models/pretrained/<problem>/trainings.jsonl` has a line for each training of its recipe,
also for those whose policy is not shipped. It is data for the policies' pages, and is never written by hand.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.report.figures.colours import OTHER_COLOURS, POLICY_COLOUR
from eval.report.figures.style import DASHES, STYLE, WIDE, new_figure
from eval.report.figures.svg import write_png
from models import shipped
from models.ga_dqn.knowledge import CARD as KNOWLEDGE_CARD
from models.ga_dqn.knowledge import read_knowledge, read_provenance, shortened, write_knowledge
from models.ga_dqn.settings import GADQNSettings
from models.policy import CARD, WEIGHTS, Policy
from models.shipped import shipped_policies
from models.store.run_directory import RunDirectory
from rllib_envs.errors import UserError

TRAININGS, FIGURE = "trainings.jsonl", "trainings.png"
POINTS = 60
"""Of a curve, at most."""
DECISIONS, EXAMPLES = 700, 2048
"""Of GA-DQN's knowledge, at most: 2 MB."""


@dataclass(frozen=True)
class Training:
    """One training, in the words of its policy's provenance."""

    trainer: str
    seed: int
    suite: str
    suite_hash: str
    env_steps: int
    """Decisions."""
    seconds: float
    processor: str
    network: str
    curve: tuple[tuple[float, int, float], ...]
    """Minutes, decisions, mean return: of the policy's best actions on benchmarks kept for validation, where those were
    looked at, else of the episodes that it learnt from."""

    @classmethod
    def of_run(cls, run: RunDirectory, policy: Policy) -> Training:
        origin, encoder, rows = policy.provenance, policy.encoder, list(run.metrics())
        return cls(
            trainer=str(origin["trainer"]),
            seed=int(origin["seed"]),
            suite=str(origin["suite"]),
            suite_hash=str(origin["suite_hash"]),
            env_steps=rows[-1]["env_steps"],
            seconds=rows[-1]["seconds"],
            processor=str(origin.get("processor", "unknown")),
            network=f"{encoder.kind}, {encoder.layers} layers of {encoder.width}",
            curve=_curve(rows),
        )

    @property
    def cells(self) -> list[str]:
        return [
            self.trainer,
            str(self.seed),
            f"{self.suite} ({self.suite_hash[:12]})",
            f"{self.env_steps:,}",
            f"{self.seconds / 60:.0f}",
            self.processor,
            self.network,
        ]


def _curve(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[float, int, float], ...]:
    measure = "greedy_return" if any(row["greedy_return"] is not None for row in rows) else "return_mean"
    points = [(row["seconds"] / 60, row["env_steps"], row[measure]) for row in rows if row[measure] is not None]
    kept = np.unique(np.linspace(0, len(points) - 1, min(POINTS, len(points))).round().astype(int))
    return tuple((round(points[i][0], 2), points[i][1], round(points[i][2], 4)) for i in kept)


def ship(run: Path) -> Path:
    """Take over a run's training, and its policy where that is the first or has only another seed than the first.

    Returns the folder. A training with the same trainer and seed is replaced. GA-DQN's knowledge is taken likewise.
    UserError where it is no run.
    """
    if (run / KNOWLEDGE_CARD).exists():
        return _ship_knowledge(run)
    policy, directory = Policy.load(run), RunDirectory(run)
    try:
        training = Training.of_run(directory, policy)
    except (OSError, LookupError, ValueError) as error:
        raise UserError(f"{run} is no run of tunewright train: {type(error).__name__} {error}") from None
    folder = shipped.PRETRAINED / policy.problem
    others = [one for one in trainings(policy.problem) if (one.trainer, one.seed) != (training.trainer, training.seed)]
    folder.mkdir(parents=True, exist_ok=True)
    place = _place(folder, training)
    if place is not None:
        place.mkdir(parents=True, exist_ok=True)
        for name in (CARD, WEIGHTS):
            shutil.copyfile(directory.policy / name, place / name)
    lines = sorted((*others, training), key=lambda one: (one.trainer, one.seed))
    (folder / TRAININGS).write_text("".join(json.dumps(asdict(one)) + "\n" for one in lines))
    return folder


def _ship_knowledge(folder: Path) -> Path:
    """What GA-DQN has learnt of kernels, shortened to what a repository can hold."""
    settings, place = GADQNSettings(), shipped.PRETRAINED / "kernel_tuning" / "knowledge"
    knowledge = shortened(read_knowledge(folder, settings), DECISIONS, EXAMPLES)
    place.parent.mkdir(parents=True, exist_ok=True)
    write_knowledge(place, knowledge, settings, read_provenance(folder))
    return place


def _place(folder: Path, training: Training) -> Path | None:
    """Where its policy belongs."""
    if not (folder / CARD).exists():
        return folder
    first = Policy.load(folder).provenance
    if first["trainer"] != training.trainer:
        return None
    return folder if first["seed"] == training.seed else folder / "other_seeds" / str(training.seed)


def trainings(problem: str) -> list[Training]:
    """Those that are known; none where no policy is shipped. UserError for a file that is damaged."""
    path = shipped.PRETRAINED / problem / TRAININGS
    if not path.exists():
        return []
    try:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [Training(**{**row, "curve": tuple(tuple(point) for point in row["curve"])}) for row in rows]
    except (ValueError, TypeError, LookupError) as error:
        raise UserError(f"{path} is damaged ({type(error).__name__}: {error}); restore it") from None


def trainings_table(problem: str) -> str:
    """Markdown: each training, and where its policy is shipped. UserError where there is none."""
    known = trainings(problem)
    if not known:
        raise UserError(f"no training is known for {problem!r}; the pages speak of one")
    places = {}
    for folder in shipped_policies(problem):
        origin = Policy.load(folder).provenance
        size = sum((folder / name).stat().st_size for name in (CARD, WEIGHTS))
        name = str(folder.relative_to(shipped.PRETRAINED))
        places[origin["trainer"], origin["seed"]] = f"`{name}`, {size / 1000:.0f} kB"
    columns = ["trainer", "seed", "learnt from", "decisions", "minutes", "processor", "network", "shipped as"]
    rows = [columns, ["---"] * len(columns)]
    rows += [[*one.cells, places.get((one.trainer, one.seed), "")] for one in known]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def draw_trainings(problem: str) -> Path:
    """The curves of all of a problem's trainings."""
    import matplotlib

    known = trainings(problem)
    trainers = list(dict.fromkeys(one.trainer for one in known))
    path = shipped.PRETRAINED / problem / FIGURE
    with matplotlib.rc_context(STYLE):
        figure = new_figure(WIDE, 2.8)
        axes = figure.add_subplot()
        for one in known:
            colour = (POLICY_COLOUR, *OTHER_COLOURS)[trainers.index(one.trainer)]
            dashes = DASHES[one.seed % len(DASHES)]
            minutes, _, returns = zip(*one.curve, strict=True)
            label = f"{one.trainer}, seed {one.seed}"
            axes.plot(minutes, returns, color=colour, linestyle=(0, dashes) if dashes else "-", label=label)
        axes.set_xlabel("minutes of training")
        axes.set_ylabel("mean return")
        axes.grid(axis="y")
        figure.legend(loc="outside right upper")
        write_png(figure, path)
    return path
