from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.online_sharing.features import MOST_EVENTS, MOST_PRESENT
from rllib_envs.online_sharing.generate import DRIFT, EVENTS, random_suite, random_trace
from rllib_envs.online_sharing.problem import OnlineSharing
from rllib_envs.online_sharing.trace import Kind, Restarts, Trace
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.suite import Suite


def traces(count: int, size: int = 6) -> list[Trace]:
    return [random_trace(np.random.default_rng(seed), size, EventLength.CORRECTED) for seed in range(count)]


def test_the_same_seed_gives_the_same_traces() -> None:
    one, same, other = (
        [benchmark.to_json() for benchmark in random_suite((2, 4), 3, seed, EventLength.COMPATIBLE)]
        for seed in (5, 5, 6)
    )
    assert one == same and len(one) == 6 and not set(one) & set(other)
    assert all('"event_length": "compatible"' in text for text in one)


@pytest.mark.parametrize("size", [1, 2, 5, MOST_PRESENT])
def test_every_trace_keeps_within_its_bounds(size: int) -> None:
    for trace in traces(40, size):
        assert EVENTS[0] <= len(trace.events) <= EVENTS[1] <= MOST_EVENTS
        assert all(1 <= len(moment.present) <= size for moment in trace.moments)
        assert all(event.lasts_s > 0 for event in trace.events)
        for moment in trace.moments:
            assert trace.capacity / DRIFT <= moment.capacity + 1e-3 and moment.capacity - 1e-3 <= DRIFT * trace.capacity
        ever = {app for moment in trace.moments for app in moment.present}
        assert ever == set(range(len(trace.applications)))


def test_all_kinds_of_events_and_of_executors_come() -> None:
    found = traces(60)
    kinds = [event.kind for trace in found for event in trace.events]
    assert all(kinds.count(kind) > len(kinds) / 5 for kind in Kind)
    assert {trace.restarts for trace in found} == set(Restarts)
    returning = [event for trace in found for event in trace.events if event.app_id in trace.present]
    assert any(event.kind is Kind.ARRIVES for event in returning), "nobody ever comes back"


def test_more_applications_depart_sooner() -> None:
    """Time from one event to the next, where it can be seen beside others of the same trace."""
    rng, short, long = np.random.default_rng(0), [], []
    for _ in range(150):
        trace = random_trace(rng, 8, EventLength.CORRECTED)
        mean = trace.seconds / len(trace.events)
        for event, moment in zip(trace.events, trace.moments[1:], strict=True):
            (short if len(moment.present) >= 4 else long).append(event.lasts_s / mean)
    assert np.mean(short) < np.mean(long)


def test_suites_that_make_no_sense() -> None:
    for sizes, count in (((4,), 0), ((0,), 1), ((), 1)):
        with pytest.raises(UserError, match="at least one trace of at least one application"):
            list(random_suite(sizes, count, 0, EventLength.CORRECTED))


def test_the_shipped_traces_are_the_generators() -> None:
    suite = Suite.load("online_sharing")
    assert suite.problem == "online_sharing" and len(suite.benchmarks) == 50
    written = {b.name: b for b in random_suite(range(4, 9), 10, 0, EventLength.CORRECTED)}
    assert all(written[benchmark.name].to_json() == benchmark.to_json() for benchmark in suite.benchmarks)


def test_redeploying_less_than_always_pays_on_random_traces() -> None:
    """What makes the problem one: with the downtimes that are drawn, the best schedule at every event is not best."""
    problem = OnlineSharing()
    suite = list(random_suite((4, 6), 6, 1, EventLength.CORRECTED))
    mean = {
        name: np.mean([baseline(benchmark).value for benchmark in suite])
        for name, baseline in problem.baselines().items()
    }
    assert mean["hysteresis"] > 1.03 * mean["exact"] and mean["hysteresis"] > 1.03 * mean["least_change"]
