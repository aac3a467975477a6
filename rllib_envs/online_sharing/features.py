"""What a policy sees of a course: the applications present, and the whole. Nothing of it is yet to come."""

from __future__ import annotations

from itertools import product

import numpy as np

from rllib_envs.online_sharing.course import ASSUMED_STAY_S, Course
from rllib_envs.online_sharing.options import OPTIONS
from rllib_envs.online_sharing.rules import hysteresis
from rllib_envs.online_sharing.trace import Kind, Restarts
from rllib_envs.stem_sharing.schedule import Choice

MOST_PRESENT = 8
"""Applications at a time."""
MOST_EVENTS = 20
RULED = ("keep", "add", "solve")
"""What that rule chooses among."""
CHANGES = tuple(name for name in OPTIONS if name != "keep")
HELD = (1, 2, 3, 10)
"""Mean lengths of an event, over which what an option gains is held against its downtime."""
APP_FEATURES = (
    "F1 now",
    "F1 when solved",
    "waits",
    "is another when solved",
    "stopped for, in lengths of an event",
    "share of its layers that it shares",
    "rate",
    "share of its layers that it shares when solved",
    "rate when solved",
)
GLOBAL_FEATURES = (
    "applications",
    "share that waits",
    "departed ones that run on",
    "load over capacity, logarithm",
    "share of the rates reached",
    "mean F1 now",
    *(f"F1 gained by {name}" for name in CHANGES),
    *(f"share stopped by {name}" for name in CHANGES),
    *(f"gained by {name} in {held} lengths of an event, downtime off" for name, held in product(CHANGES, HELD)),
    *(f"the rule hysteresis would {name}" for name in RULED),
    "downtime over length of an event, logarithm",
    "length of an event, logarithm",
    "a deployment stops all",
    *(f"now: {name}" for name in Kind),
    *(f"share of the events so far: {name}" for name in Kind),
    "capacity, in whole networks at full rate",
    "capacity over its mean so far, logarithm",
    "capacity over that before the event, logarithm",
    "events so far",
)
SCALE = 10.0
"""Of gains in F1, which are some hundredths."""
BOUND = 5.0
LEAST = 1e-9


def app_features(course: Course) -> np.ndarray:
    """float32 [applications present, APP_FEATURES]."""
    scene, moment, running = course.scene, course.moment, course.running
    solved, stay_s = course.options["solve"], course.mean_stay_s
    columns = zip(moment.present, scene.f1s(running.deployed, moment), scene.f1s(solved, moment), strict=True)
    rows = [
        (
            f1_now,
            f1_solved,
            running.deployed[app] is None,
            running.deployed[app] != solved[app],
            running.stopped_s[app] / stay_s,
            *_shown(course, running.deployed[app]),
            *_shown(course, solved[app]),
        )
        for app, f1_now, f1_solved in columns
    ]
    return np.array(rows, np.float32).clip(-BOUND, BOUND)


def global_features(course: Course) -> np.ndarray:
    """float32 [GLOBAL_FEATURES]."""
    trace, moment, deployed = course.scene.trace, course.moment, course.running.deployed
    stay_s, load = course.mean_stay_s, course.scene.load(deployed)
    waiting = sum(deployed[app] is None for app in moment.present)
    departed = sum(choice is not None for choice in deployed) - (len(moment.present) - waiting)
    found = (
        len(moment.present) / MOST_PRESENT,
        waiting / len(moment.present),
        departed / MOST_PRESENT,
        np.log(max(load, LEAST) / moment.capacity),
        course.scene.share_reached(deployed, moment.capacity),
        float(np.mean(course.scene.f1s(deployed, moment))),
        *_offers(course),
        *_ruled(course),
        np.log(max(trace.redeploy_s, 0.1) / stay_s),
        np.log(stay_s / ASSUMED_STAY_S),
        trace.restarts is Restarts.ALL,
        *_events(course),
        *_capacity(course),
        len(course.past) / MOST_EVENTS,
    )
    return np.array(found, np.float32).clip(-BOUND, BOUND)


def _shown(course: Course, choice: Choice | None) -> tuple[float, float]:
    if choice is None:
        return 0.0, 0.0
    trace = course.scene.trace
    return trace.network.cost_below[choice.freeze_point] / trace.network.total, choice.rate / trace.stream_rate


def _offers(course: Course) -> list[float]:
    """What each option gains, how many it stops, and what it gains over some time."""
    scene, moment, running = course.scene, course.moment, course.running
    switched = [course.switched(course.options[name]) for name in CHANGES]
    now = np.mean(scene.f1s(running.deployed, moment))
    gained = [SCALE * float(np.mean(scene.f1s(other.deployed, moment)) - now) for other in switched]
    stopped = [
        float(np.mean([other.deployed[app] is not None and other.stopped_s[app] > 0 for app in moment.present]))
        for other in switched
    ]
    net = [
        SCALE * (scene.detected(other, moment, seconds) - scene.detected(running, moment, seconds)) / seconds
        for other, held in product(switched, HELD)
        for seconds in [held * course.mean_stay_s]
    ]
    return [*gained, *stopped, *net]


def _ruled(course: Course) -> list[float]:
    """Which options are what the rule would do; several may be the same."""
    wanted = hysteresis(course)
    return [float(course.options[name] == wanted) for name in RULED]


def _events(course: Course) -> list[float]:
    """Which kind of event it is, and how many of each kind there were."""
    seen = [*course.past, course.event]
    kinds = [[event.kind is kind for kind in Kind] for event in seen]
    return [*map(float, kinds[-1]), *np.mean(kinds, axis=0).tolist()]


def _capacity(course: Course) -> tuple[float, float, float]:
    trace, capacities = course.scene.trace, [moment.capacity for moment in course.moments]
    now, before = capacities[-1], capacities[-2]
    whole = trace.network.total * trace.stream_rate
    return now / whole, float(np.log(now / np.mean(capacities))), float(np.log(now / before))
