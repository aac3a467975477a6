"""Deciding what to redeploy, and when, while applications come and go and the box's capacity drifts.

At each event of a trace a policy takes one of a few options. What it is shown is what is known at that time: what runs,
what each option would give now and cost, and what has happened so far. `evaluate` knows the whole trace, as whoever
looks back at it does. So rewards are those of hindsight, and searches, which evaluate, are clairvoyant: what they find
shows what it would be worth to know the future, and nobody could decide so in time.

Every state stands for an answer: from there on a rule of `rules.py` decides, which only adds applications that wait
unless the setting `rest` names another one. An environment rewards the best state on the way, and what a rule promises
there may be lost again by later decisions. The less the rule does, the less there is to lose, and the nearer is an
episode's return to what its decisions are worth in the end; with "nothing" the two are nearly the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import numpy as np

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.names import choose
from rllib_envs.online_sharing.course import Course
from rllib_envs.online_sharing.features import (
    APP_FEATURES,
    GLOBAL_FEATURES,
    MOST_EVENTS,
    MOST_PRESENT,
    app_features,
    global_features,
)
from rllib_envs.online_sharing.options import OPTIONS
from rllib_envs.online_sharing.rules import RULES, played
from rllib_envs.online_sharing.scene import scene_of
from rllib_envs.online_sharing.trace import PROBLEM
from rllib_envs.problem import Benchmark, Evaluation, Observation, ObservationSpec, Problem

REWARDED = 0.02
"""Of mean F1, earns a reward of 1: about what a good course gains over one without any thought."""


class OnlineSharing(Problem[Course]):
    """The problem of when to redeploy. An action is an option of `options.py`, and there is one at each event.

    `rest` is the rule that decides after the decisions of a state, when that is evaluated.
    """

    name = PROBLEM
    horizon = MOST_EVENTS
    actions = tuple(OPTIONS)
    spec = ObservationSpec(
        max_tokens=MOST_PRESENT, token_features=len(APP_FEATURES), global_features=len(GLOBAL_FEATURES)
    )

    def __init__(self, rest: str = "least_change") -> None:
        self._rest = choose(rest, RULES, "rule for the rest")
        self.config: Mapping[str, Any] = {"rest": rest}

    def initial(self, benchmark: Benchmark) -> Course:
        """At the first event. Raises UserError when the trace makes no sense, or is larger than policies take."""
        scene = scene_of(benchmark)
        for number, most, what in (
            (len(scene.trace.events), MOST_EVENTS, "events"),
            (max(len(moment.present) for moment in scene.trace.moments), MOST_PRESENT, "applications at a time"),
        ):
            if number > most:
                raise UserError(f"benchmark {benchmark.name!r} has {number} {what}; policies take up to {most}")
        return Course.start(scene)

    def legal(self, state: Course) -> np.ndarray:
        """Whatever deploys something else than what runs, and to keep that; at the end of the trace nothing."""
        legal = np.zeros(len(self.actions), bool)
        if not state.finished:
            legal[:] = [name == "keep" or new != state.running.deployed for name, new in state.options.items()]
        return legal

    def apply(self, state: Course, action: int) -> Course:
        name = self.actions[action]
        if state.finished:
            raise IllegalAction(f"{name}: the trace is over")
        if not self.legal(state)[action]:
            why = "no application waits" if name == "add" else "that is what runs already"
            raise IllegalAction(f"{name}: {why}")
        return state.after(state.options[name], name)

    def observe(self, state: Course) -> Observation:
        """A row for each application that is present, and the whole; zeros when the trace is over."""
        spec = self.spec
        tokens = np.zeros((spec.max_tokens, spec.token_features), np.float32)
        mask = np.zeros(spec.max_tokens, np.int8)
        if state.finished:
            return Observation(tokens, mask, np.zeros(spec.global_features, np.float32))
        found = app_features(state)
        tokens[: len(found)], mask[: len(found)] = found, 1
        return Observation(tokens, mask, global_features(state))

    def evaluate(self, state: Course) -> Evaluation:
        """The time-weighted mean F1 of the whole trace, where `rest` decides from here on."""
        return self._judged(state, self._rest)

    def _judged(self, state: Course, rule: str) -> Evaluation:
        trace = state.scene.trace
        return Evaluation(
            value=played(state, rule).detected / trace.seconds,
            unit="mean event F1",
            scale=REWARDED,
            how=f"by the formulas of Jiang et al. 2018, {trace.event_length} event length, over {trace.seconds:g} s",
        )

    def objective_key(self, state: Course) -> Hashable:
        return state.scene, state.decisions

    def record_key(self, state: Course) -> None:
        """Evaluating takes less time than looking it up in a file."""

    def baselines(self) -> Mapping[str, Callable[[Benchmark], Evaluation]]:
        """The rules: to solve exactly or greedily at every event, only where it pays, or never."""
        return {name: partial(self._ruled, name) for name in RULES}

    def _ruled(self, rule: str, benchmark: Benchmark) -> Evaluation:
        return self._judged(self.initial(benchmark), rule)

    def describe(self, state: Course) -> str:
        """What was decided at each event so far, and what runs."""
        trace, running = state.scene.trace, state.running
        rows = [f"{'event':24} {'seconds':>8}  decision"]
        for event, decision in zip(state.past, state.decisions, strict=True):
            rows.append(f"{event!s:24} {event.lasts_s:8g}  {decision}")
        if not state.finished:
            rows.append(f"{state.event!s:24} {'':8}  to be decided")
        rows.append(f"{'application':20} {'freeze point':>12} {'frames/s':>9} {'F1':>7}")
        moment = state.moments[-1]
        f1s = dict(zip(moment.present, state.scene.f1s(running.deployed, moment), strict=True))
        for index, (app, choice) in enumerate(zip(trace.applications, running.deployed, strict=True)):
            runs = f"{choice.freeze_point:12} {choice.rate:9g}" if choice else f"{'waits':>12} {'':9}"
            stopped = f"  stopped for {running.stopped_s[index]:g} s" if running.stopped_s[index] else ""
            if index in f1s:
                rows.append(f"{app.app_id:20} {runs} {f1s[index]:7.4f}{stopped}")
            elif choice:
                rows.append(f"{app.app_id:20} {runs}  for nobody")
        return "\n".join([*rows, f"costs {state.scene.load(running.deployed):.2f} of {moment.capacity:g}"])
