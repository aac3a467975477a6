"""The order in which things are done, what is lost, and how long the rest will take."""

from __future__ import annotations

import pytest

from eval.budget import Budget
from eval.course import Course
from eval.plan import Plan, Turn
from eval.remaining import Remaining
from eval.scoring import Failure, Scores
from eval.trial import Outcome, Trial
from eval.workers.station import Found, ScoreOrder, SearchOrder
from rllib_envs.errors import UserError
from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.backend.loops import Loop
from rllib_envs.loop_nest.loop_tool_tree import to_ir
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy
from tests.conftest import matmul
from tests.eval.conftest import dials

TASKS = [dials(1), dials(2), dials(3)]


def outcome(seconds: float) -> Outcome:
    return Trial(Toy(), TASKS[0], Budget(evaluations=1)).outcome()._replace(seconds=seconds)


def gone_through(course: Course, seconds: float, count: int) -> None:
    for _ in range(count):
        assert isinstance(course.next(), SearchOrder)
        course.take(Found(outcome(seconds)))


def test_all_searches_come_before_the_measuring_anew():
    course = Course(Plan.make(TASKS, ["greedy1", "random"], Budget(seconds=1), (0, 1)), TASKS[0])
    gone_through(course, 1.0, 4)
    order = course.next()
    assert isinstance(order, ScoreOrder) and list(order.runs) == course.turns
    course.take(Scores(None, [], []))
    assert course.next() is None


def test_a_search_is_tried_twice_and_so_is_the_measuring(caplog):
    course = Course(Plan.make(TASKS, ["greedy1"], Budget(seconds=1)), TASKS[0])
    first = course.next()
    assert course.lose("killed") is None
    assert course.next() == first
    assert course.lose("killed again") == Failure("killed again")
    assert isinstance(course.next(), ScoreOrder) and course.lose("hung") is None
    assert isinstance(course.next(), ScoreOrder)
    scores = course.lose("hung")
    assert isinstance(scores, Scores) and [row.error for row in scores.rows] == ["hung"]
    assert course.next() is None and not course.flawless
    assert len(caplog.records) == 4


def test_a_budget_that_depends_on_a_lost_policy_is_lost_with_it(policy):
    course = Course(Plan.make(TASKS, ["policy"], Budget(seconds=1), policy=policy), TASKS[0])
    for _ in range(2):
        assert course.next().method == "policy"
        course.lose("killed")
    assert isinstance(course.next(), ScoreOrder)
    assert "multiple of the time of policy" in course.runs[Turn("random_10x", 0)].error


def test_the_policy_s_multiple_is_of_its_own_seed(policy):
    course = Course(Plan.make(TASKS, ["policy"], Budget(seconds=9), (0, 1), policy), TASKS[0])
    for seconds in (0.5, 0.25):
        assert course.next().budget == Budget(seconds=9)
        course.take(Found(outcome(seconds)))
        assert course.next().budget == Budget(seconds=10 * seconds)
        course.take(Found(outcome(10 * seconds)))


def test_the_time_left_follows_from_what_was_seen_also_at_another_time(policy):
    now = [0.0]
    plan = Plan.make(TASKS, ["policy", "greedy1"], Budget(seconds=10), (0,), policy)
    courses = [Course(plan, task) for task in TASKS]

    def left(workers: int) -> float:
        return Remaining(plan, courses, workers, clock=lambda: now[0]).seconds()

    assert left(1) == 3 * (10 + 10 + 100), "nothing is known yet: budgets"
    gone_through(courses[0], 2.0, 3)
    assert left(1) == 2 * (2 + 2 + 2)
    assert left(2) == 6, "each worker has one benchmark"
    assert left(3) == 6, "one benchmark is never shared"
    fresh = Course(plan, TASKS[0], {Turn(*turn): run for turn, run in courses[0].runs.items()})
    courses[0] = fresh
    assert left(1) == 12, "as it is after a restart"
    courses[1].next()
    courses[1].since, now[0] = 5.0, 6.5
    assert left(1) == 12 - 1.5, "what is being done has begun a while ago"
    now[0] = 50.0
    assert left(1) == 12 - 2.0, "and takes no less than nothing"


def test_measuring_anew_counts_and_the_estimate_goes_down_between_looks():
    now = [0.0]
    plan = Plan.make(TASKS, ["greedy1"], Budget(seconds=10))
    courses = [Course(plan, task) for task in TASKS]
    remaining = Remaining(plan, courses, 1, clock=lambda: now[0])
    remaining.scored(4.0)
    assert remaining.seconds() == 3 * (10 + 4)
    now[0] = 0.25
    assert remaining.seconds() == 42 - 0.25


def test_without_seconds_nothing_is_known_before_the_first_search():
    plan = Plan.make(TASKS, ["greedy1", "random"], Budget(evaluations=5))
    courses = [Course(plan, task) for task in TASKS]
    assert Remaining(plan, courses, 1).seconds() is None
    gone_through(courses[0], 3.0, 1)
    assert Remaining(plan, courses, 1).seconds() == pytest.approx(5 * 3.0)


def test_a_benchmark_that_can_t_be_shown_to_a_policy_is_named():
    problem = LoopNest()
    state = problem.initial(matmul(1024, 64, 64))
    deep = state.with_loops([*(Loop("m", 1 << power) for power in range(9, -1, -1)), *state.loops[1:]], 0)
    fits = Benchmark("fits", "loop_nest", {"ir": to_ir(state).serialize()})
    too_deep = Benchmark("too deep", "loop_nest", {"ir": to_ir(deep).serialize()})
    Plan.make([fits], ["greedy1"], Budget(seconds=1)).check_benchmarks(problem)
    with pytest.raises(UserError, match="'too deep' is more than an observation"):
        Plan.make([fits, too_deep], ["greedy1"], Budget(seconds=1)).check_benchmarks(problem)
