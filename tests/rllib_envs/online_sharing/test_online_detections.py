"""What a trace is worth, against figures worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rllib_envs.errors import UserError
from rllib_envs.online_sharing.problem import OnlineSharing
from rllib_envs.online_sharing.trace import Restarts
from rllib_envs.stem_sharing.executor.simulator import Simulator
from rllib_envs.stem_sharing.nets import nets, observed
from rllib_envs.stem_sharing.schedule import Choice
from tests.rllib_envs.online_sharing.traces import by_hand, decide, start


def f1(rate: float) -> float:
    return 2 * rate / (10 + rate)


def test_who_waits_detects_nothing() -> None:
    course = decide(start(by_hand()), "keep")
    assert course.running.deployed == (Choice(1, 5.0), None)
    assert course.detected == pytest.approx(20 * f1(5) / 2)


@pytest.mark.parametrize(("restarts", "bus_looks_s"), [(Restarts.ALL, 15.0), (Restarts.CHANGED, 20.0)])
def test_a_newcomer_is_added_and_all_run_slower_in_proportion(restarts: Restarts, bus_looks_s: float) -> None:
    """Nothing is left for car, so it gets the cheapest choice, 1 frame/s: 11 of 10 are asked, 10/11 of it reached."""
    course = decide(start(by_hand(restarts)), "add")
    assert course.running.deployed == (Choice(1, 5.0), Choice(1, 1.0))
    assert course.detected == pytest.approx((bus_looks_s * f1(50 / 11) + 15 * f1(10 / 11)) / 2)


def test_rates_are_those_of_the_simulated_executor() -> None:
    course = decide(start(by_hand()), "add")
    trace = course.scene.trace
    schedule = tuple(choice for choice in course.running.deployed if choice is not None)
    deployed = nets(trace.network, trace.applications, schedule)
    reached = observed(schedule, deployed, trace.applications, Simulator(trace.network, 10.0).deploy(deployed))
    share = course.scene.share_reached(course.running.deployed, 10.0)
    assert [share * choice.rate for choice in schedule] == pytest.approx([choice.rate for choice in reached])
    assert share == pytest.approx(10 / 11)


def test_solving_stops_all_that_change() -> None:
    """The best within 10 is 3 and 3, which cost 9: of 4 and 2 one gains less than the other loses."""
    for restarts in Restarts:
        course = decide(start(by_hand(restarts)), "solve")
        assert course.running.deployed == (Choice(1, 3.0), Choice(1, 3.0))
        assert course.detected == pytest.approx(15 * f1(3))


def test_solving_for_more_runs_slower_until_there_is_more() -> None:
    """For a capacity of 12 it is 4 and 4; 10/12 of that until the capacity has risen."""
    course = decide(start(by_hand()), "solve_for_more")
    assert course.running.deployed == (Choice(1, 4.0), Choice(1, 4.0))
    assert course.detected == pytest.approx(15 * f1(4 * 10 / 12))
    assert decide(course, "keep").detected == pytest.approx(course.detected + 40 * f1(4))


def test_who_has_departed_runs_on_until_others_are_deployed() -> None:
    course = decide(start(by_hand()), "solve_for_more", "keep")
    kept, solved = decide(course, "keep"), decide(course, "solve")
    assert kept.running.deployed[0] == Choice(1, 4.0)
    assert kept.detected - course.detected == pytest.approx(10 * f1(4))
    assert solved.running.deployed == (None, Choice(1, 6.0))
    assert solved.detected - course.detected == pytest.approx(5 * f1(6))


def test_a_stop_outlasts_a_short_event() -> None:
    """The newcomer's event is over after 2 s of the 5; deploying once more begins it anew."""
    trace = by_hand()
    short = replace(trace, events=(replace(trace.events[0], lasts_s=2.0), *trace.events[1:]))
    course = decide(start(short), "solve")
    assert course.detected == 0.0 and course.running.stopped_s == (3.0, 3.0)
    assert decide(course, "keep").detected == pytest.approx(37 * f1(3))
    assert decide(course, "solve").detected == pytest.approx(35 * f1(4))


def test_only_who_changes_stops_where_each_is_a_process_of_its_own() -> None:
    """At a capacity of 11 the best is 5 and 1, so bus, which runs at 5, goes on, and only car starts."""
    running = start(by_hand(Restarts.CHANGED)).switched((Choice(1, 5.0), Choice(1, 1.0)))
    assert running.stopped_s == (0.0, 5.0)
    assert start(by_hand(Restarts.ALL)).switched((Choice(1, 5.0), Choice(1, 1.0))).stopped_s == (5.0, 5.0)


def test_the_objective_is_the_mean_over_time_of_the_whole_trace() -> None:
    """The rest of the trace is played by adding who waits: car at first, and nothing is changed afterwards."""
    problem, benchmark = OnlineSharing(), by_hand().to_benchmark("by_hand")
    added = 15 * (f1(50 / 11) + f1(10 / 11)) / 2 + 40 * (f1(5) + f1(1)) / 2 + 10 * f1(1)
    evaluation = problem.evaluate(problem.initial(benchmark))
    assert evaluation.value == pytest.approx(added / 70)
    assert evaluation.higher_is_better and evaluation.verified and evaluation.unit == "mean event F1"
    solved = problem.apply(problem.initial(benchmark), problem.actions.index("solve"))
    assert problem.evaluate(solved).value == pytest.approx((15 * f1(3) + 40 * f1(3) + 10 * f1(3)) / 70)


def test_another_rule_may_decide_about_the_rest() -> None:
    """Without any deployment bus sees two thirds of what it can until it departs, and nobody sees anything then. What
    is decided to the end is worth the same whichever rule it is.
    """
    problem, benchmark = OnlineSharing(rest="nothing"), by_hand().to_benchmark("by_hand")
    assert problem.config == {"rest": "nothing"}
    start_of_it = problem.initial(benchmark)
    value = (20 * f1(5) / 2 + 40 * f1(5) / 2) / 70
    assert problem.evaluate(start_of_it).value == problem.baselines()["nothing"](benchmark).value
    assert problem.evaluate(start_of_it).value == pytest.approx(value)
    end = decide(start_of_it, "add", "solve", "keep")
    assert problem.evaluate(end) == OnlineSharing().evaluate(end)
    with pytest.raises(UserError, match="did you mean 'nothing'"):
        OnlineSharing(rest="nothin")
