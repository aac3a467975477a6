"""Tuners set against each other on equal terms."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from eval.kernel_tuners.contest import Result, contest, write_results
from eval.kernel_tuners.experiments import CANDIDATES, EXPERIMENTS, hyperparameter_methods
from eval.kernel_tuners.figures import write_figures
from eval.kernel_tuners.kernels import kernels_of
from eval.kernel_tuners.methods import METHODS, Method
from eval.kernel_tuners.trials import Course, Run, Trials, handed_out, run_tuner
from eval.kernel_tuners.verdict import ceilings, final, overhead_ms, repeated_percent, trials_to_reach, verdict
from models.ga_dqn.settings import GADQNSettings
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, Gene, GeneSpace
from rllib_envs.kernel_tuning.synthetic import dense
from rllib_envs.kernel_tuning.tuners.random_tuner import RandomTuner

KERNELS = (dense(64, 64, 64), dense(96, 64, 32))
QUICK = {"random": METHODS["random"], "ga": METHODS["ga"]}


def result(kernel: str, method: str, seed: int, *best: float) -> Result:
    return Result(kernel, method, seed, Run(np.array(best), 0.002 * len(best), len(best) - 1, 0))


def test_what_is_handed_out_is_what_was_measured_best_not_what_is_best() -> None:
    assert handed_out([1.0, 5.0, 3.0, 4.0], [1.0, 2.0, 3.0, 2.5]).tolist() == [1.0, 5.0, 3.0, 3.0]


def test_answers_that_are_measured_anew_count_as_they_are() -> None:
    told = [0.0, 2.0, 1.0, 3.0, 2.5]
    course = Course([(0,), (1,), (2,), (3,), (2,)], told, told, count=7, tuner_seconds=0.5)
    assert course.answers == [(0,), (1,), (3,)]
    assert course.run().best.tolist() == [0.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0]
    run = course.run({(0,): 0.0, (1,): 2.5, (3,): 2.25})
    assert run.best.tolist() == [0.0, 2.5, 2.5, 2.25, 2.25, 2.25, 2.25]
    assert (run.unique, run.failures, run.tuner_seconds) == (4, 1, 0.5)


def test_runs_with_one_seed_begin_alike_and_repeat() -> None:
    trials = Trials(count=24, noise=0.0)
    results = list(contest(KERNELS, QUICK, range(2), trials))
    assert len(results) == 8
    curves = {(r.kernel, r.method, r.seed): r.run.best for r in results}
    for kernel in KERNELS:
        for seed in range(2):
            one, other = (curves[kernel.name, method, seed][:20] for method in QUICK)
            assert np.array_equal(one, other)
    for again in contest(KERNELS, QUICK, range(2), trials):
        assert np.array_equal(again.run.best, curves[again.kernel, again.method, again.seed])


def test_processes_give_the_same_results() -> None:
    alone, together = (list(contest(KERNELS, QUICK, range(1), Trials(count=32), workers)) for workers in (1, 2))
    for one, other in zip(alone, together, strict=True):
        assert (one.kernel, one.method, one.seed) == (other.kernel, other.method, other.seed)
        assert np.array_equal(one.run.best, other.run.best)


def test_a_trained_tuner_is_trained_on_the_other_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    trained_on = []
    from eval.kernel_tuners import contest as module

    real = module.train_on

    def noted(kernels, settings, lesson):  # type: ignore[no-untyped-def]
        trained_on.append([kernel.name for kernel in kernels])
        return real(kernels, settings, lesson._replace(passes=1))

    monkeypatch.setattr(module, "train_on", noted)
    method = Method("ga_dqn", GADQNSettings(hidden=8, updates_per_trial=0.1), trained=True)
    list(contest(KERNELS, {"trained": method}, range(1), Trials(count=24)))
    assert trained_on == [[KERNELS[1].name], [KERNELS[0].name]]
    with pytest.raises(UserError, match="at least 2"):
        list(contest(KERNELS[:1], {"trained": method}, range(1), Trials(count=24)))


def test_a_space_that_is_used_up_ends_a_run_early() -> None:
    class Tiny:
        name = "tiny"
        space = GeneSpace((ChoiceKnob("a", (0, 1, 2)),))

        def scores(self, genes: Sequence[Gene]) -> list[float]:
            return [1.0 + gene[0] for gene in genes]

    run = run_tuner(RandomTuner(Tiny.space, 0), Tiny(), Trials(count=10, noise=0.0), 0).run()
    assert len(run.best) == 10 and run.unique == 3 and run.best[2:].tolist() == [3.0] * 8


def test_a_verdict_pairs_runs_and_counts_losses() -> None:
    results = [
        *(result("a", "one", seed, 2.0, 4.0) for seed in range(4)),
        *(result("a", "other", seed, 1.0, 2.0) for seed in range(4)),
        *(result("b", "one", seed, 1.0, 1.0) for seed in range(4)),
        *(result("b", "other", seed, 2.0, 2.0) for seed in range(4)),
        result("b", "other", 9, 100.0, 100.0),
    ]
    found = verdict(results, "one", "other")
    assert found.by_kernel == pytest.approx({"a": 2.0, "b": 0.5})
    assert found.over_kernels.mean == pytest.approx(1.0)
    assert (found.wins, found.ties, found.losses) == (4, 0, 4)
    assert verdict(results, "one", "other", final).by_kernel["a"] == pytest.approx(2.0)
    assert ceilings(results, "one") == pytest.approx({"a": 4 / 3, "b": 100.0})
    assert overhead_ms(results, "one") == pytest.approx(2.0)
    assert repeated_percent(results, "one") == pytest.approx(50.0)


def test_how_many_trials_a_tuner_needs_for_what_another_one_handed_out() -> None:
    results = [
        *(result("a", "fresh", seed, 4.0, 8.0) for seed in range(2)),
        result("a", "warm", 0, 7.0, 7.95, 9.0),
        result("a", "warm", 1, 7.0, 7.5),
    ]
    assert trials_to_reach(results, "warm", "fresh") == {"a": [2.0, np.inf]}


def test_results_are_written_as_they_come(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    results = contest(KERNELS, QUICK, range(1), Trials(count=16))
    first = write_results(path, itertools.islice(results, 1))
    assert path.read_text().count("\n") == 1
    written = [*first, *write_results(path, results)]
    read = [Result.from_line(line) for line in path.read_text().splitlines()]
    assert [(r.kernel, r.method, r.seed) for r in read] == [(r.kernel, r.method, r.seed) for r in written]
    assert all(np.allclose(r.run.best, w.run.best, rtol=1e-5) for r, w in zip(read, written, strict=True))
    assert read[0].to_line() == written[0].to_line()


def test_every_experiment_has_contestants_and_hyperparameters_are_drawn_alike_each_time() -> None:
    for make in EXPERIMENTS.values():
        assert len(make()) >= 2
    assert hyperparameter_methods() == hyperparameter_methods()
    assert len(hyperparameter_methods()) == CANDIDATES


def test_figures_are_drawn(tmp_path: Path) -> None:
    results = list(contest(KERNELS, QUICK, range(3), Trials(count=24)))
    for path in write_figures(results, tmp_path, "x_"):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in tmp_path.iterdir()} == {"x_convergence.png", "x_ratios.png"}


def test_kernels_by_name() -> None:
    assert len(kernels_of(["synthetic"])) == 8
    assert [kernel.name for kernel in kernels_of(["synthetic_dense_128x128x128"])] == ["synthetic_dense_128x128x128"]
    with pytest.raises(UserError, match="did you mean"):
        kernels_of(["synthetic_dense_128x128x129"])


@pytest.mark.parametrize("wrong", [{"count": 0}, {"batch": 0}, {"noise": -1.0}])
def test_trials_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError):
        Trials(**wrong)  # type: ignore[arg-type]
