"""Ways to decide without learning. None looks ahead: each knows what a policy knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from rllib_envs.online_sharing.course import Course
from rllib_envs.online_sharing.options import add, solve, unless_it_runs
from rllib_envs.online_sharing.running import Deployed

HELD = 2.0
"""Events, of the mean length so far, that a deployment is assumed to be held: of 1/2, 1, 3/2, 2, 3, 4 and 5, this one
detects most on random traces."""

Rule = Callable[[Course], Deployed]


def nothing(course: Course) -> Deployed:
    """Never deploy anything, so that who arrives waits for ever."""
    return course.running.deployed


def least_change(course: Course) -> Deployed:
    """Never more than to add who waits."""
    return add(course.scene, course.moment, course.running.deployed)


def exact(course: Course) -> Deployed:
    """The best schedule at every event."""
    return solve(course.scene, course.moment, course.running.deployed)


def greedy(course: Course) -> Deployed:
    """The greedy schedule at every event."""
    scene, moment = course.scene, course.moment
    wanted = scene.scheduled("greedy", moment, moment.capacity)
    return unless_it_runs(scene, moment, course.running.deployed, wanted)


def hysteresis(course: Course) -> Deployed:
    """Deploy only what gains more than its downtime costs: of keeping, the least change and the best schedule, what
    detects most if nothing happens for HELD times as long as an event has lasted so far.
    """
    scene, moment, assumed_s = course.scene, course.moment, HELD * course.mean_stay_s

    def worth(deployed: Deployed) -> float:
        return scene.detected(course.switched(deployed), moment, assumed_s)

    return max((course.running.deployed, least_change(course), exact(course)), key=worth)


RULES: Mapping[str, Rule] = MappingProxyType(
    {"exact": exact, "greedy": greedy, "hysteresis": hysteresis, "least_change": least_change, "nothing": nothing}
)


def played(course: Course, rule: str) -> Course:
    """The trace to its end, where one of RULES decides from here on."""
    while not course.finished:
        course = course.after(RULES[rule](course), rule)
    return course
