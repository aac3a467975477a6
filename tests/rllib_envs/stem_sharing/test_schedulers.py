from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from rllib_envs.stem_sharing.choices import Alternatives, Choices
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.exact import options, solve
from rllib_envs.stem_sharing.generate import random_task
from rllib_envs.stem_sharing.greedy import gain_per_cost, greedy, improved, published
from rllib_envs.stem_sharing.quality import Aggregate, Quality
from rllib_envs.stem_sharing.schedule import Choice, Schedule
from rllib_envs.stem_sharing.schedulers import SCHEDULERS, with_all_shared, without_sharing
from rllib_envs.stem_sharing.task import Task, TooLittle
from tests.rllib_envs.stem_sharing.tasks import three_applications


def small_tasks(count: int = 6, applications: int = 2) -> list[Task]:
    """Few enough rates to try every schedule."""
    rng = np.random.default_rng(0)
    tasks = [random_task(rng, applications, length) for length in itertools.islice(itertools.cycle(EventLength), count)]
    return [replace(task, rates=(1.0, 3.0, 8.0, 15.0)) for task in tasks]


def all_schedules(task: Task) -> list[Schedule]:
    each = [[Choice(v.freeze_point, rate) for v in app.variants for rate in task.rates] for app in task.applications]
    return [schedule for schedule in itertools.product(*each) if task.affords(task.cost(schedule))]


def test_the_published_optimum() -> None:
    task = three_applications()
    for schedule in (solve(task).schedule, greedy(task), greedy(task, published)):
        assert task.loss(schedule) == pytest.approx(0.129046, abs=1e-6)
    assert task.cost((Choice(1, 2),) * 3) == pytest.approx(242)
    assert task.cost((Choice(1, 2), Choice(10, 2), Choice(21, 2))) == pytest.approx(224)


@pytest.mark.parametrize("aggregate", list(Aggregate))
def test_the_exact_scheduler_finds_what_trying_everything_finds(aggregate: Aggregate) -> None:
    for task in small_tasks():
        task = replace(task, quality=replace(task.quality, aggregate=aggregate))
        solved = solve(task)
        best = min(map(task.loss, all_schedules(task)))
        assert solved.proven
        assert solved.loss == pytest.approx(best, abs=1e-6)
        assert task.affords(task.cost(solved.schedule))


def test_choices_that_are_left_out_are_not_missed() -> None:
    for task in small_tasks():
        kept = {(option.app, option.choice) for option in options(task)}
        losses = [task.loss(schedule) for schedule in all_schedules(task)]
        among_kept = [
            task.loss(schedule) for schedule in all_schedules(task) if all(pair in kept for pair in enumerate(schedule))
        ]
        assert len(among_kept) < len(losses)
        assert min(among_kept) == pytest.approx(min(losses))


def test_greedy_keeps_to_the_budget_and_ends_where_nothing_is_gained() -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        task = random_task(rng, 4, EventLength.CORRECTED)
        schedule, bound = greedy(task), solve(task).bound
        assert task.affords(task.cost(schedule))
        assert task.loss(schedule) >= bound - 1e-6
        for app, other in itertools.product(range(4), all_schedules(replace(task, applications=task.applications[:1]))):
            if other[0].freeze_point in [variant.freeze_point for variant in task.applications[app].variants]:
                changed = (*schedule[:app], other[0], *schedule[app + 1 :])
                assert task.loss(changed) >= task.loss(schedule) - 1e-12 or not task.affords(task.cost(changed))


def test_costs_of_arrays_are_those_of_the_formula() -> None:
    rng = np.random.default_rng(2)
    task = random_task(rng, 5, EventLength.CORRECTED)
    choices = Choices(task)
    for _ in range(20):
        columns = rng.integers(0, choices.loss.shape[1], 5)
        schedule = choices.schedule(columns)
        assert choices.columns(schedule).tolist() == columns.tolist()
        assert choices.cost(columns) == pytest.approx(task.cost(schedule))
        app, column = int(rng.integers(5)), int(rng.integers(choices.loss.shape[1]))
        changed = (*schedule[:app], choices.choice(app, column), *schedule[app + 1 :])
        ((cost,),) = Alternatives(choices, np.array([app]), np.array([column])).costs(columns[None])
        assert cost == pytest.approx(task.cost(changed))
        losses = [choices.loss[row, column] for row, column in enumerate(columns)]
        assert losses == pytest.approx(task.app_losses(schedule))


def test_what_costs_more_and_loses_no_less_is_never_taken() -> None:
    rng = np.random.default_rng(3)
    for apps in (1, 3, 6):
        task = random_task(rng, apps, EventLength.CORRECTED)
        choices = Choices(task)
        worthwhile = choices.worthwhile & np.isfinite(choices.loss)
        assert (worthwhile == choices.worthwhile).all() and worthwhile.mean() < 0.8
        columns = np.array([[rng.choice(np.flatnonzero(row)) for row in np.isfinite(choices.loss)] for _ in range(8)])
        everything = np.indices(choices.loss.shape).reshape(2, -1)
        costs = Alternatives(choices, *everything).costs(columns).reshape(8, *choices.loss.shape)
        for app, column in np.argwhere(~worthwhile & np.isfinite(choices.loss)):
            no_worse = worthwhile[app] & (choices.loss[app] <= choices.loss[app, column])
            more = costs[:, app, no_worse].T - costs[:, app, column]
            assert more.max(axis=1).min() < 1e-9
        cheapest = choices.columns(task.cheapest)[None]
        found = [
            improved(choices, cheapest, task.budget, gain_per_cost, allowed[None])[0]
            for allowed in (np.isfinite(choices.loss), worthwhile)
        ]
        assert task.loss(choices.schedule(found[0])) == task.loss(choices.schedule(found[1]))


def test_without_time_the_best_that_is_known_is_the_answer() -> None:
    task = random_task(np.random.default_rng(5), 20, EventLength.COMPATIBLE)
    hurried = solve(task, seconds=1e-3)
    assert task.affords(task.cost(hurried.schedule)) and hurried.loss <= task.loss(greedy(task))
    assert hurried.bound <= solve(task).bound + 1e-9 and not hurried.proven


def test_where_nothing_can_be_shared_all_schedulers_say_what_each_application_does_alone() -> None:
    task = without_sharing(random_task(np.random.default_rng(0), 3, EventLength.CORRECTED))
    best = solve(task).schedule
    for scheduler in SCHEDULERS.values():
        found = scheduler(task)
        assert task.affords(task.cost(found)) and task.loss(found) >= task.loss(best) - 1e-9
    assert [choice.freeze_point for choice in best] == [0] * 3


def test_too_little() -> None:
    task = three_applications()
    with pytest.raises(TooLittle, match=r"a budget of 10 is too little for 3 applications: .* costs 43.0000"):
        solve(replace(task, budget=10.0))
    assert greedy(replace(task, budget=task.least)) == task.cheapest


def test_what_is_compared_with() -> None:
    task = three_applications()
    alone = solve(without_sharing(replace(task, budget=41.0 * 0.9)))
    assert {choice.freeze_point for choice in alone.schedule} == {1}
    assert max(choice.rate for choice in alone.schedule) < 1, "a tenth of a frame a second is better than nothing"
    shared = [app.variants[0].freeze_point for app in with_all_shared(task).applications]
    assert shared == [30, 30, 40], "never one that tells nothing apart"


def test_an_event_that_is_shorter_than_a_vote_is_never_seen() -> None:
    task = three_applications()
    voted = replace(
        task,
        quality=Quality("fnr-x", event_length=EventLength.CORRECTED),
        applications=tuple(replace(app, votes=6) for app in task.applications),
    )
    slow, fast = (voted.app_losses((Choice(10, rate),) * 3) for rate in (1.0, 15.0))
    assert slow == [1.0] * 3, "five looks"
    assert max(fast) < 0.2
