from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from rllib_envs.errors import IllegalAction
from rllib_envs.online_sharing.course import ASSUMED_STAY_S, Course
from rllib_envs.online_sharing.features import APP_FEATURES, GLOBAL_FEATURES
from rllib_envs.online_sharing.problem import OnlineSharing
from rllib_envs.online_sharing.rules import HELD, RULES, played
from rllib_envs.online_sharing.scene import Scene, scene_of
from rllib_envs.online_sharing.trace import Restarts, Trace
from rllib_envs.stem_sharing.schedule import Choice
from tests.rllib_envs.online_sharing.traces import SUITE, by_hand, decide, start, with_another_future

EVERY = 5
"""Events: the future is replaced behind each fifth."""


def walk(problem: OnlineSharing, state: Course, rng: np.random.Generator) -> list[Course]:
    """A random episode, all its states."""
    states = [state]
    while (legal := problem.legal(states[-1])).any():
        states.append(problem.apply(states[-1], int(rng.choice(np.flatnonzero(legal)))))
    return states


@pytest.mark.parametrize("benchmark", SUITE, ids=lambda benchmark: benchmark.name)
def test_nothing_that_is_yet_to_come_is_shown(benchmark) -> None:
    """With another future, the same decisions lead to the same observations and masks, but to other values."""
    problem, trace = OnlineSharing(), Trace.from_benchmark(benchmark)
    states = walk(problem, problem.initial(benchmark), np.random.default_rng(1))
    for known in range(0, len(trace.events), EVERY):
        other = problem.initial(with_another_future(trace, known).to_benchmark("other"))
        for decision in states[known].decisions:
            other = problem.apply(other, problem.actions.index(decision))
        for seen, seen_other in zip(problem.observe(states[known]), problem.observe(other), strict=True):
            np.testing.assert_array_equal(seen, seen_other)
        np.testing.assert_array_equal(problem.legal(states[known]), problem.legal(other))
        assert problem.evaluate(states[known]).value != problem.evaluate(other).value


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_looks_ahead(rule: str) -> None:
    for benchmark in SUITE:
        trace = Trace.from_benchmark(benchmark)
        course = Course.start(scene_of(benchmark))
        for known in range(0, len(trace.events), EVERY):
            other = Course.start(Scene(with_another_future(trace, known).to_benchmark("other")))
            while len(course.decisions) < known:
                course = course.after(RULES[rule](course), rule)
            while len(other.decisions) < known:
                other = other.after(RULES[rule](other), rule)
            assert RULES[rule](course) == RULES[rule](other)


def test_what_is_shown_of_a_trace_by_hand() -> None:
    problem, course = OnlineSharing(), start(by_hand())
    tokens, mask, whole = problem.observe(course)
    assert mask.tolist() == [1, 1] + 6 * [0] and not tokens[2:].any()
    bus, car = (dict(zip(APP_FEATURES, row.tolist(), strict=True)) for row in tokens[:2])
    assert (bus["F1 now"], car["F1 now"]) == pytest.approx((2 / 3, 0.0))
    assert bus["F1 when solved"] == car["F1 when solved"] == pytest.approx(6 / 13)
    assert (bus["waits"], car["waits"], bus["rate"], bus["rate when solved"]) == pytest.approx((0, 1, 0.5, 0.3))
    shown = dict(zip(GLOBAL_FEATURES, whole.tolist(), strict=True))
    assert shown["share that waits"] == 0.5 and shown["departed ones that run on"] == 0
    assert shown["load over capacity, logarithm"] == 0 and shown["share of the rates reached"] == 1
    assert shown["mean F1 now"] == pytest.approx(1 / 3)
    assert shown["F1 gained by solve"] == pytest.approx(10 * (6 / 13 - 1 / 3), rel=1e-5)
    assert shown["share stopped by solve"] == shown["a deployment stops all"] == 1
    stay_s = ASSUMED_STAY_S
    gained = 10 * ((stay_s - 5) * 6 / 13 - stay_s / 3) / stay_s
    assert shown["gained by solve in 1 lengths of an event, downtime off"] == pytest.approx(gained, rel=1e-5)
    assert shown["downtime over length of an event, logarithm"] == pytest.approx(np.log(5 / stay_s), rel=1e-5)
    assert (shown["now: arrives"], shown["now: departs"], shown["now: capacity"]) == (1, 0, 0)
    later = dict(zip(GLOBAL_FEATURES, problem.observe(decide(course, "keep", "keep")).globals.tolist(), strict=True))
    assert later["departed ones that run on"] == pytest.approx(1 / 8) and later["now: departs"] == 1
    assert later["length of an event, logarithm"] == pytest.approx(np.log((60 + 20 + 40) / 3 / 60), rel=1e-5)
    assert later["share of the events so far: capacity"] == pytest.approx(1 / 3)


def test_who_is_stopped_still_is_shown() -> None:
    """Of 30 s, 20 are over; an event lasts 40 s on average so far."""
    tokens = OnlineSharing().observe(decide(start(by_hand(redeploy_s=30.0)), "solve")).tokens
    assert tokens[:3, APP_FEATURES.index("stopped for, in lengths of an event")].tolist() == [0.25, 0.25, 0.0]


def test_what_is_legal_and_why_the_rest_is_not() -> None:
    problem = OnlineSharing()
    arrived = problem.initial(by_hand().to_benchmark("by_hand"))
    assert problem.legal(arrived).all()
    solved = problem.apply(arrived, problem.actions.index("solve_for_more"))
    assert dict(zip(problem.actions, problem.legal(solved).tolist(), strict=True)) == {
        "keep": True,
        "add": False,
        "solve": False,  # planned for a capacity of 12, which is what there is now
        "solve_for_more": True,
    }
    for name, reason in (("add", "no application waits"), ("solve", "that is what runs already")):
        with pytest.raises(IllegalAction, match=f"{name}: {reason}"):
            problem.apply(solved, problem.actions.index(name))
    over = walk(problem, solved, np.random.default_rng(0))[-1]
    assert over.finished and len(over.decisions) == 3 and not problem.observe(over).token_mask.any()
    with pytest.raises(IllegalAction, match="keep: the trace is over"):
        problem.apply(over, 0)


def test_adding_leaves_all_others_as_they_are() -> None:
    """Bus would do better, too, when the capacity rises to 20: beside its 5, car can have 7 for 19."""
    trace = by_hand()
    risen = replace(trace.events[1], capacity=20.0)
    course = decide(start(replace(trace, events=(risen, trace.events[0]))), "keep")
    assert course.options["add"] == (Choice(1, 5.0), Choice(1, 7.0))
    assert sorted(course.options["solve"]) == [Choice(1, 6.0), Choice(1, 7.0)]


def test_what_runs_already_is_not_deployed_again() -> None:
    """With much capacity both run at 10, the best there is. Once bus has departed, car alone needs nothing else, unless
    bus, which runs on, slows it down.
    """
    trace = by_hand()
    for capacity, deployed in ((100.0, (Choice(1, 10.0), Choice(1, 10.0))), (29.0, (None, Choice(1, 10.0)))):
        events = (trace.events[0], trace.events[2], replace(trace.events[1], capacity=capacity))
        course = decide(start(replace(trace, capacity=100.0, events=events)), "solve", "keep")
        assert course.running.deployed == (Choice(1, 10.0), Choice(1, 10.0))
        assert course.options["solve"] == deployed
        solve = OnlineSharing.actions.index("solve")
        assert OnlineSharing().legal(course)[solve] == (deployed != course.running.deployed)


def test_a_state_that_follows_the_least_change_is_worth_what_it_promised() -> None:
    problem = OnlineSharing()
    for benchmark in SUITE:
        state = problem.initial(benchmark)
        promised = problem.evaluate(state).value
        while (legal := problem.legal(state)).any():
            adds = legal[problem.actions.index("add")]
            state = problem.apply(state, problem.actions.index("add" if adds else "keep"))
            assert problem.evaluate(state).value == pytest.approx(promised)
        assert problem.baselines()["least_change"](benchmark).value == pytest.approx(promised)


def test_solving_at_every_event_is_the_baseline_exact() -> None:
    problem = OnlineSharing()
    for benchmark in SUITE:
        state = problem.initial(benchmark)
        while (legal := problem.legal(state)).any():
            solves = legal[problem.actions.index("solve")]
            state = problem.apply(state, problem.actions.index("solve" if solves else "keep"))
            moment, scene = state.moments[-2 if not state.finished else -1], state.scene
            best = scene.scheduled("exact", moment, moment.capacity)
            runs = scene.f1s(state.running.deployed, moment)
            assert runs == pytest.approx(scene.f1s(best, moment))
        assert problem.baselines()["exact"](benchmark).value == pytest.approx(problem.evaluate(state).value)


def test_baselines_of_a_trace_by_hand() -> None:
    """With a capacity of 12 and two applications the best is 4 and 4, and for car alone 6; greedy finds the same."""
    problem, benchmark = OnlineSharing(), by_hand().to_benchmark("by_hand")
    found = {name: baseline(benchmark) for name, baseline in problem.baselines().items()}
    every_time = (15 * 6 / 13 + 35 * 8 / 14 + 5 * 12 / 16) / 70
    assert found["exact"].value == found["greedy"].value == pytest.approx(every_time)
    assert found["hysteresis"].value == pytest.approx(every_time), "a short downtime always pays here"
    assert found["least_change"].value == problem.evaluate(problem.initial(benchmark)).value
    assert all(evaluation.unit == "mean event F1" for evaluation in found.values())


def test_baselines_of_a_trace_by_hand_where_downtime_is_long() -> None:
    """Of 30 s, that is, which outlasts the first and the last event: whoever solves each time sees for 10 s of 70, and
    whoever leaves it at 3 and 3 when the capacity rises, since all are stopped still, for 30.
    """
    problem, benchmark = OnlineSharing(), by_hand(redeploy_s=30.0).to_benchmark("slow")
    found = {name: baseline(benchmark).value for name, baseline in problem.baselines().items()}
    assert found["exact"] == pytest.approx(10 * 8 / 14 / 70)
    assert found["hysteresis"] == pytest.approx(30 * 6 / 13 / 70)


def test_hysteresis_deploys_what_pays_in_the_assumed_time_and_no_more() -> None:
    """Solving gains 6/13 - 1/3 on car's arrival. Within HELD mean stays that pays for a downtime of less than a share
    1 - (1/3) / (6/13) of them, and adding car, with 0.396 instead of 1/3, for less.
    """
    assumed_s = HELD * ASSUMED_STAY_S
    pays_until = (1 - (1 / 3) / (6 / 13)) * assumed_s
    for redeploy_s, deployed in ((0.99 * pays_until, "solve"), (1.01 * pays_until, "keep")):
        course = start(by_hand(redeploy_s=redeploy_s))
        assert RULES["hysteresis"](course) == course.options[deployed]


def test_free_deployments_make_the_exact_solver_hard_to_beat() -> None:
    """Without downtime it has the best whole rates at every time, and nobody can do better but between them."""
    problem = OnlineSharing()
    for benchmark in SUITE:
        trace = Trace.from_benchmark(benchmark)
        free = replace(trace, redeploy_s=0.0)
        start_of_free = problem.initial(free.to_benchmark("free"))
        best = played(start_of_free, "exact").detected
        assert best >= played(start_of_free, "greedy").detected - 1e-6 * free.seconds
        assert best >= played(start_of_free, "least_change").detected - 0.01 * free.seconds


def test_states_are_values() -> None:
    problem, rng = OnlineSharing(), np.random.default_rng(3)
    for benchmark in SUITE:
        for state in walk(problem, problem.initial(benchmark), rng):
            copy = pickle.loads(pickle.dumps(state))  # noqa: S301  (our own bytes)
            assert copy == state and hash(copy) == hash(state)
            assert problem.objective_key(copy) == problem.objective_key(state)
            assert problem.evaluate(copy) == problem.evaluate(state)
            for seen, again in zip(problem.observe(state), problem.observe(copy), strict=True):
                np.testing.assert_array_equal(seen, again)


def test_the_same_decisions_give_the_same_in_a_fresh_scene() -> None:
    """What a scene remembers changes nothing."""
    problem = OnlineSharing()
    for benchmark in SUITE:
        state = walk(problem, problem.initial(benchmark), np.random.default_rng(4))[-1]
        fresh = decide(Course.start(Scene(benchmark)), *state.decisions)
        assert fresh == state and fresh.running == state.running and fresh.detected == state.detected


def test_schedules_are_solved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    from rllib_envs.online_sharing import scene as module

    exact = module.SCHEDULERS["exact"]
    monkeypatch.setattr(module, "SCHEDULERS", {"exact": lambda task: asked.append(task) or exact(task)})
    trace = by_hand(Restarts.CHANGED)
    course = start(trace)
    for _ in range(2):
        played(course, "exact")
    assert len(asked) == len(trace.moments) == len({(task.applications, task.budget) for task in asked})


def test_states_are_told_to_people() -> None:
    course = decide(start(by_hand()), "keep")
    text = OnlineSharing().describe(course)
    assert "arrives car" in text and "capacity 12.0" in text and "waits" in text and "departs" not in text
    stopped = OnlineSharing().describe(decide(start(by_hand(redeploy_s=30.0)), "solve"))
    assert "stopped for 10 s" in stopped
    assert "for nobody" in OnlineSharing().describe(decide(course, "solve", "keep")) and "for nobody" not in text
