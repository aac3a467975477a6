"""The contract: a tuning problem is five answers about a state.

From these answers the Gymnasium environment, every search, every trainer, the run record and the comparison report
follow. `rllib_envs/toy` is the smallest complete example; `rllib_envs.check.check_problem` is the contract as a test.
"""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import numpy as np

State = TypeVar("State", bound=Hashable)

STOP = "stop"
"""The action that declares the present state the answer. A problem whose every state is an answer may offer it."""


@dataclass(frozen=True)
class Benchmark:
    """One task of a problem: what is to be tuned, as plain data."""

    name: str
    problem: str
    """Registered name of the problem that it belongs to."""
    spec: Mapping[str, Any]
    """The problem's own description; JSON values only."""

    def to_json(self) -> str:
        """The canonical text, which is also what a suite's hash is taken over."""
        content = {"problem": self.problem, "name": self.name, "spec": self.spec}
        return json.dumps(content, sort_keys=True, allow_nan=False)

    def __hash__(self) -> int:
        return hash(self.to_json())


@dataclass(frozen=True)
class Evaluation:
    """What the objective says of one state."""

    value: float
    unit: str
    scale: float
    """The difference in `value` that earns a reward of 1: the processor's peak, the bound, the untuned value."""
    higher_is_better: bool = True
    error: str = ""
    """Why this state does not count (wrong result, crash, time-out); empty when its answer was verified."""
    how: str = ""
    """How the value was obtained, for people: "median of 12 samples, clock-normalised"."""
    doubtful: bool = False
    """Measuring again may well say something else: a time-out, a crash, a machine too busy for a clean sample."""
    details: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def verified(self) -> bool:
        return not self.error

    def gain_over(self, other: Evaluation) -> float:
        """Improvement over `other` in units of `scale`; negative when this one is worse."""
        difference = self.value - other.value
        return (difference if self.higher_is_better else -difference) / self.scale

    def better_than(self, other: Evaluation | None) -> bool:
        """Whether to prefer this one. What was not verified is never preferred."""
        if not self.verified:
            return False
        return other is None or not other.verified or self.gain_over(other) > 0

    def speedup_over(self, other: Evaluation) -> float:
        """The ratio of the two values, above 1 when this one is better."""
        better, worse = (self.value, other.value) if self.higher_is_better else (other.value, self.value)
        return better / worse if worse > 0 else math.inf


class RecordKey(NamedTuple):
    """What `objective_key` holds, as text that people can read and that stays the same from run to run."""

    benchmark: str
    """The task itself, not its name: equal tasks have equal texts."""
    solution: str


class ObservationSpec(NamedTuple):
    """The fixed sizes of what `observe` returns, and what its tokens are to actions and to each other."""

    max_tokens: int
    token_features: int
    global_features: int
    points: bool = False
    """Whether actions point at tokens: action i chooses the entity in row i. Networks then score all entities alike,
    and any number of them. The rows behind the last action's are there for context, the first of them for what the
    decision is about. The first feature of an entity that can be chosen is a logit: how much a plain heuristic prefers
    it, or 0 for all. An untrained policy decides by it."""
    links: int = 0
    """The last so many features of a token are links to other tokens: the row of one, plus 1, over `max_tokens`; or 0
    for none."""

    def to_json(self) -> dict[str, int]:
        """As in policy files and checkpoints, where what has its default is left out as it was before there was one."""
        return {name: size for name, size in self._asdict().items() if size != self._field_defaults.get(name)}


class Observation(NamedTuple):
    """A state as numbers of about one: entities as padded tokens, and what concerns the whole."""

    tokens: np.ndarray
    """float32 [max_tokens, token_features]; rows beyond the last entity are zero."""
    token_mask: np.ndarray
    """int8 [max_tokens]; 1 where the row is an entity."""
    globals: np.ndarray
    """float32 [global_features]."""


PolicyInput = dict[str, np.ndarray]
"""What a policy sees of a state, see `rllib_envs.policy_input.policy_input`."""

Choose = Callable[[PolicyInput], np.ndarray]
"""From `policy_input` arrays with a batch axis in front to an action for each, int [batch]. Where none is legal, the
episode has ended in a dead end, and any will do."""


class Problem(ABC, Generic[State]):
    """A family of tuning tasks whose solutions are built by a short sequence of discrete decisions.

    States are immutable values: hashable, picklable, compared by content. An episode is over when `STOP` is taken,
    when `horizon` decisions were made, or when no action is legal.
    """

    name: ClassVar[str]
    actions: tuple[str, ...]
    """The name of each action index, for example ("up", "swap_down", "split_16", "stop")."""
    spec: ObservationSpec
    horizon: int
    """The number of decisions after which an episode is cut off."""
    config: Mapping[str, Any]
    """The keyword arguments that build this problem again; JSON values only. Stored with every policy."""

    @abstractmethod
    def initial(self, benchmark: Benchmark) -> State:
        """The untuned state. Raises UserError when the benchmark's spec makes no sense."""

    @abstractmethod
    def legal(self, state: State) -> np.ndarray:
        """bool [len(actions)]: which actions `apply` accepts. All False means that the solution is complete."""

    @abstractmethod
    def apply(self, state: State, action: int) -> State:
        """The next state; the argument is left as it was. Raises IllegalAction, with the reason in words."""

    @abstractmethod
    def observe(self, state: State) -> Observation:
        """The state as a network sees it. Cheap: nothing is compiled or measured here."""

    @abstractmethod
    def evaluate(self, state: State) -> Evaluation:
        """The objective. The one slow call: it may compile, run, time or train. Never raises for a bad candidate."""

    def objective_key(self, state: State) -> Hashable:
        """The part of the state that the objective depends on; states that agree in it are evaluated once."""
        return state

    def play_together(
        self, benchmark: Benchmark, episodes: int, choose: Choose, horizon: int
    ) -> tuple[int, ...] | None:
        """The best of so many episodes as its actions, where playing them in one go is faster than one by one.

        None where it isn't. `choose` is asked once a step, about all episodes.
        """
        return None

    def record_key(self, state: State) -> RecordKey | None:
        """`objective_key` for the record store: equal where that is equal, different where it is different.

        None when evaluations of this state are not to be recorded.
        """
        return None

    def measured_on(self) -> str:
        """What else the objective depends on: processor, code generator and their versions. Records of others don't
        count here.
        """
        return ""

    def recall(self, recorded: Evaluation) -> Evaluation:
        """A recorded evaluation as `evaluate` would say it now, where its scale is calibrated at every start."""
        return recorded

    def baselines(self) -> Mapping[str, Callable[[Benchmark], Evaluation]]:
        """What a user would otherwise call, by name. Each answers a benchmark in the unit of `evaluate`."""
        return {}

    def describe(self, state: State) -> str:
        """The state as text for people."""
        return str(state)

    def close(self) -> None:
        """Release what evaluation holds: processes, files, devices."""
