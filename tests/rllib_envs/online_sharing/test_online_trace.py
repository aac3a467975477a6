"""Traces as people write them, and what is wrong with those that make no sense."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from rllib_envs.errors import UserError
from rllib_envs.online_sharing.features import MOST_EVENTS, MOST_PRESENT
from rllib_envs.online_sharing.problem import OnlineSharing
from rllib_envs.online_sharing.trace import PROBLEM, Kind, Restarts, Trace
from rllib_envs.problem import Benchmark
from tests.rllib_envs.online_sharing.traces import SUITE, by_hand

Spec = dict[str, Any]


def test_a_trace_comes_back_from_its_file() -> None:
    for restarts in Restarts:
        trace = by_hand(restarts)
        benchmark = trace.to_benchmark("by_hand")
        read = json.loads(benchmark.to_json())
        assert Trace.from_benchmark(Benchmark(read["name"], read["problem"], read["spec"])) == trace
    for benchmark in SUITE:
        assert Trace.from_benchmark(benchmark).to_benchmark(benchmark.name) == benchmark


def test_what_there_is_between_events() -> None:
    assert [tuple(moment) for moment in by_hand().moments] == [
        ((0,), 10.0),
        ((0, 1), 10.0),
        ((0, 1), 12.0),
        ((1,), 12.0),
    ]


def test_an_executor_that_is_not_described_stops_all() -> None:
    spec = dict(by_hand().to_benchmark("by_hand").spec)
    del spec["restarts"], spec["event_length"]
    assert Trace.from_benchmark(Benchmark("short", PROBLEM, spec)).restarts is Restarts.ALL


def events(*changed: Any) -> Callable[[Spec], None]:
    return lambda spec: spec.update(events=list(changed))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (events({"arrives": "cat", "lasts_s": 1}), "unknown application of event 1 'cat'; did you mean 'car'"),
        (events({"departs": "boat", "lasts_s": 1}), "unknown application of event 1 'boat'"),
        (events({"arrives": "bus", "lasts_s": 1}), "event 1: arrives bus, but it is there already"),
        (
            events({"arrives": "car", "lasts_s": 1}, {"arrives": "car", "lasts_s": 1}),
            "event 2: arrives car, but it is there already",
        ),
        (events({"departs": "car", "lasts_s": 1}), "event 1: departs car, but it is not there"),
        (events({"departs": "bus", "lasts_s": 1}), "no application is present after event 1"),
        (events({"arrives": "car", "lasts_s": -1}), "lasts_s of event 1 of benchmark 'bad' has to be a number from 0"),
        (events({"arrives": "car"}), "lasts_s of event 1 of benchmark 'bad' has to be a number"),
        (events({"arrives": "car", "lasts_s": 0}), "all events of the trace last 0 seconds"),
        (events({"lasts_s": 1}), "has none of arrives, departs, capacity"),
        (events({"arrives": "car", "capacity": 9, "lasts_s": 1}), "has arrives and capacity of"),
        (events({"arrive": "car", "lasts_s": 1}), "did you mean 'arrives'"),
        (events("car"), "event 1 of benchmark 'bad' has to be an object"),
        (events(), "the trace has no events"),
        (events({"capacity": 1.9, "lasts_s": 1}), "the capacity after event 1 is 1.9, too little for 1 applications"),
        (events({"capacity": "10", "lasts_s": 1}), "capacity of event 1 of benchmark 'bad' has to be a number"),
        (lambda spec: spec.update(capacity=1.0), "the capacity before the first event is 1, too little"),
        (
            lambda spec: spec.update(present=[], events=spec["events"][:1]),
            "no application is present before the first event",
        ),
        (lambda spec: spec.update(present=["van"]), "unknown application that is present before the first event 'van'"),
        (lambda spec: spec.update(present="bus"), "needs present, a list"),
        (lambda spec: spec.update(redeploy_s=-1), "redeploy_s of benchmark 'bad' has to be a number from 0"),
        (lambda spec: spec.update(restarts="some"), "unknown restarts 'some'"),
        (lambda spec: spec.update(network=[1.0]), "needs a network"),
        (lambda spec: spec.update(applications={}), "needs applications, a list"),
        (lambda spec: spec.update(applications=2 * spec["applications"]), "two applications have the app_id 'bus'"),
        (lambda spec: spec.update(capacty=1), "did you mean 'capacity'"),
        (
            events(*[{"capacity": 10 + i, "lasts_s": 1} for i in range(MOST_EVENTS + 1)]),
            f"has {MOST_EVENTS + 1} events",
        ),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(change: Callable[[Spec], None], message: str) -> None:
    spec = json.loads(json.dumps(by_hand().to_benchmark("bad").spec))
    change(spec)
    with pytest.raises(UserError) as error:
        OnlineSharing().initial(Benchmark("bad", PROBLEM, spec))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_more_applications_than_policies_take() -> None:
    spec = json.loads(json.dumps(by_hand().to_benchmark("many").spec))
    apps = [{**spec["applications"][0], "app_id": f"app_{index}"} for index in range(MOST_PRESENT + 1)]
    spec |= {"applications": apps, "present": [app["app_id"] for app in apps], "capacity": 100.0}
    spec["events"] = [{str(Kind.CAPACITY): 90.0, "lasts_s": 1.0}]
    with pytest.raises(UserError, match=f"has {MOST_PRESENT + 1} applications at a time"):
        OnlineSharing().initial(Benchmark("many", PROBLEM, spec))
