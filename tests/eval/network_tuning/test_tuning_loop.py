"""A tuning spends its budget, keeps what it found, and goes on where it was interrupted."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest

from eval.budget import Budget
from eval.kernel_tuners.searchers import POLICY, TUNERS, TVM, GeneSearcher, make_searcher
from eval.network_tuning.journal import TRIALS, Journal, Trial
from eval.network_tuning.progress import progress_text
from eval.network_tuning.tuning import Progress, Tuning
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace
from tests.eval.network_tuning.synthetic_crew import FORMULAS, UNTUNED_S, SyntheticCrew, task_of

KERNELS = [(task_of(formula), weight) for formula, weight in zip(list(FORMULAS.values())[:3], (1, 2, 4), strict=True)]
HEAD = {"network": "some", "tuner": "ga", "seed": 0}


def tune(folder: Path, crew: SyntheticCrew, trials: int, tuner: str = "ga", reports: list[Progress] | None = None):
    searcher = make_searcher(tuner, crew.space, seed=0)
    with closing(Journal(folder / TRIALS, HEAD)) as journal:
        report = (reports if reports is not None else []).append
        return Tuning(searcher, crew, journal, Budget(evaluations=trials), 8, report).run(KERNELS)


@pytest.mark.parametrize("tuner", ["random", "ga", "ga_dqn"])
def test_a_budget_is_spent_and_nothing_is_measured_twice(tmp_path: Path, tuner: str) -> None:
    crew, reports = SyntheticCrew(), []
    standings = tune(tmp_path, crew, 100, tuner, reports)
    assert len(crew.measured) == len(set(crew.measured)) == 100 == sum(one.trials for one in standings)
    for (task, weight), one in zip(KERNELS, standings, strict=True):
        speeds = [FORMULAS[name].score(gene) for name, gene in crew.measured if name == task.name]
        assert one.weight == weight and one.best == pytest.approx(10 / max(speeds))
        assert FORMULAS[task.name].score(one.schedule) == max(speeds)
    assert reports[0].now == reports[0].before == 7 * UNTUNED_S
    assert reports[-1].now == sum(one.share for one in standings) < reports[0].now
    assert progress_text("some", reports[-1]).startswith("some: 100 of 100 trials, ")


def test_progress_is_one_line() -> None:
    short = Progress(Budget(seconds=60), 12.34, 40, 2.0, 0.05, "conv2d")
    assert progress_text("net", short) == "net: 40 trials, 12.3 of 60 s; kernels 2.00 s -> 50.0 ms (40.0x); conv2d"
    long = Progress(Budget(1200, 4000), 312.0, 640, 2.31, 2.31, "")
    assert progress_text("net", long) == "net: 640 of 4000 trials, 5.2 of 20 min; kernels 2.31 s -> 2.31 s (1.00x)"


def test_records_are_those_that_make_the_network_faster(tmp_path: Path) -> None:
    crew = SyntheticCrew()
    standings = tune(tmp_path, crew, 60, "random")
    for one in standings:
        written = [seconds for name, seconds in crew.written if name == one.task.name]
        assert written == sorted(written, reverse=True) and all(seconds < UNTUNED_S for seconds in written)
        assert (written[-1] == one.best) if one.best < UNTUNED_S else not written


@pytest.mark.parametrize("tuner", ["random", "ga", "ga_dqn"])
def test_an_interrupted_tuning_goes_on(tmp_path: Path, tuner: str) -> None:
    crew = SyntheticCrew()
    crew.stop_after = 40
    with pytest.raises(KeyboardInterrupt):
        tune(tmp_path, crew, 80, tuner)
    before = list(crew.measured)
    assert len(before) == 40
    crew.stop_after = 10**9
    standings = tune(tmp_path, crew, 80, tuner)
    assert crew.measured[:40] == before and len(set(crew.measured)) == len(crew.measured) == 80
    assert sum(one.trials for one in standings) == 80
    again = tune(tmp_path, crew, 80, tuner)
    assert len(crew.measured) == 80 and again == standings, "there is nothing left to do"


def test_kernels_learn_together() -> None:
    crew = SyntheticCrew()
    searcher = GeneSearcher("ga_dqn", crew.space, seed=0)
    assert searcher.knowledge() is None
    for task, _ in KERNELS[:2]:
        for _ in range(4):
            genes = searcher.ask(task, 8, budget=64)
            measured = crew.measure(task, genes)
            searcher.tell(task, [(gene, one.seconds) for gene, one in zip(genes, measured, strict=True)], 64)
    one, other = searcher._tuners.values()
    assert one.agents == other.agents and one.agents["mutation"] is other.agents["mutation"]
    remembered = searcher.knowledge()["mutation"]["replay.reward"]
    fresh = GeneSearcher("ga_dqn", crew.space, 1, searcher.knowledge())
    fresh.ask(KERNELS[2][0], 8, 64)
    (tuner,) = fresh._tuners.values()
    assert tuner.trained and len(remembered) == len(tuner.agents["mutation"].replay) > 0


def test_knowledge_is_for_those_that_learn() -> None:
    with pytest.raises(UserError, match="tuner 'ga' learns nothing from other kernels"):
        make_searcher("ga", SyntheticCrew().space, 0, {"mutation": {}})
    with pytest.raises(UserError, match="unknown tuner 'gadqn'; did you mean 'ga_dqn'"):
        make_searcher("gadqn", SyntheticCrew().space, 0)


@pytest.mark.parametrize("tuner", [name for name in TUNERS if name not in (POLICY, TVM)])
@pytest.mark.parametrize(
    "space",
    [GeneSpace((ChoiceKnob("a", (0, 1, 2)),)), GeneSpace((ChoiceKnob("a", (0, 1, 2)), ChoiceKnob("b", (0, 1))))],
    ids=["one knob", "two knobs"],
)
def test_small_spaces_are_searched_to_their_end(tmp_path: Path, tuner: str, space: GeneSpace) -> None:
    """What has no loop to tile, such as a sum of two tensors, has one knob."""

    class Small(SyntheticCrew):
        def space(self, task):
            return space

        def measure(self, task, schedules):
            self.measured += [(task.name, gene) for gene in schedules]
            return [self._measured(20.0 + 2 * gene[0] + gene[-1]) for gene in schedules]

    standings = tune(tmp_path, Small(), 100, tuner)
    assert [one.schedule for one in standings] == [tuple(count - 1 for count in space.choices)] * len(KERNELS)
    assert [(one.trials, one.done) for one in standings] == [(space.size, True)] * len(KERNELS)


def test_half_a_line_is_cut_off_and_damage_is_named(tmp_path: Path) -> None:
    crew = SyntheticCrew()
    tune(tmp_path, crew, 24)
    path = tmp_path / TRIALS
    whole = path.read_text()
    path.write_text(whole + '{"kernel": "hal')
    tune(tmp_path, crew, 24)
    assert path.read_text() == whole
    lines = whole.splitlines(keepends=True)
    for damaged in ("nothing\n", json.dumps({**json.loads(lines[5]), "seconds": None}) + "\n", "[]\n"):
        path.write_text("".join([*lines[:5], damaged, *lines[6:]]))
        with pytest.raises(UserError, match="line 6 is damaged"):
            tune(tmp_path, crew, 24)
    path.write_text("{}\n")
    with pytest.raises(UserError, match="is no journal of tuning"):
        tune(tmp_path, crew, 24)
    path.write_text(whole)
    with pytest.raises(UserError, match="was begun with seed 0, not 1"):
        Journal(path, {**HEAD, "seed": 1})


def test_trials_are_read_as_they_were_written() -> None:
    for trial in (
        Trial("dense", (1, 0, 7), 2e-4, "ok", 1.5),
        Trial("dense", None, 0.0, "timeout", 0.0),
        Trial("dense", '[["GetSBlock"], []]', 3.25, "ok", 10.0),
    ):
        assert Trial.from_line(trial.to_line()) == trial
