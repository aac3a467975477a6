"""Who decides what is measured next, for any number of kernels: our tuners of genes, and TVM's own search."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from eval.kernel_tuners.methods import METHODS
from eval.kernel_tuners.policy_draws import PolicyDraws
from eval.kernel_tuners.tvm_search.process import TVMSearch
from models.ga_dqn.tuner import GADQNTuner, Knowledge
from models.policy import Policy
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import GeneSpace
from rllib_envs.kernel_tuning.module_task import Task
from rllib_envs.kernel_tuning.protocol import Schedule
from rllib_envs.kernel_tuning.task import PROBLEM
from rllib_envs.kernel_tuning.tuners.tuner import FAILED, Tuner
from rllib_envs.names import choose

TVM = "tvm"
"""MetaSchedule's evolutionary search with XGBoost."""
POLICY = "policy"
"""A trained policy alone: its best gene, then drawn ones. The others but TVM's can begin with its genes."""
TUNERS = ("ga_dqn", "ga_uniform", "ga", "random", POLICY, TVM)
"""For any kernel; the published GA-DQN can't tune one of fewer than three knobs."""
Spaces = Callable[[Task], GeneSpace]
Timed = tuple[Schedule, float]
"""A schedule and its seconds; 0 where it failed."""


class Searcher(ABC):
    """One for all kernels of a run, of which each is asked for in turns."""

    @abstractmethod
    def start(self) -> None:
        """Start the processes that it needs, which it does at the first use otherwise."""

    @abstractmethod
    def ask(self, task: Task, count: int, budget: int) -> list[Schedule]:
        """At most so many schedules to measure next; none when all are known. `budget` is about how many trials the
        kernel will have in all; what it is the first time counts."""

    @abstractmethod
    def tell(self, task: Task, timed: Sequence[Timed], budget: int) -> None:
        """How fast they are; also what is known from an earlier run, which may be another searcher's."""

    def knowledge(self) -> Knowledge | None:
        """What it has learnt that helps with other kernels."""
        return None

    @abstractmethod
    def close(self) -> None:
        """End the processes that it has."""


class GeneSearcher(Searcher):
    """A tuner of genes for each kernel. GA-DQN's share one pair of networks."""

    def __init__(
        self,
        name: str,
        spaces: Spaces,
        seed: int,
        knowledge: Knowledge | None = None,
        policy: Policy | None = None,
    ) -> None:
        """`name` of `METHODS`, and `spaces` gives the gene space of a task. Fresh genes come from the policy."""
        self._method, self._spaces = METHODS[name], spaces
        self._seed, self._knowledge, self._policy = seed, knowledge, policy
        self._tuners: dict[Task, Tuner] = {}

    def start(self) -> None:
        """There are none."""

    def ask(self, task: Task, count: int, budget: int) -> list[Schedule]:
        return list(self._tuner(task, budget).ask(count))

    def tell(self, task: Task, timed: Sequence[Timed], budget: int) -> None:
        genes = [(schedule, seconds) for schedule, seconds in timed if not isinstance(schedule, str)]
        if genes:
            scores = [1 / seconds if seconds else FAILED for _, seconds in genes]
            self._tuner(task, budget).tell([gene for gene, _ in genes], scores)

    def knowledge(self) -> Knowledge | None:
        learnt = next((tuner for tuner in self._tuners.values() if isinstance(tuner, GADQNTuner)), None)
        return learnt.knowledge() if learnt is not None and learnt.agents else None

    def close(self) -> None:
        """There are none."""

    def _tuner(self, task: Task, budget: int) -> Tuner:
        if task not in self._tuners:
            self._tuners[task] = self._make(task, self._spaces(task), budget)
        return self._tuners[task]

    def _make(self, task: Task, space: GeneSpace, budget: int) -> Tuner:
        seed = self._seed + len(self._tuners)
        draw = PolicyDraws(self._policy, task, space) if self._policy is not None else None
        first = next(iter(self._tuners.values()), None)
        if not isinstance(first, GADQNTuner):
            return self._method.make(space, seed, budget, self._knowledge, draw)
        return GADQNTuner(space, seed, budget, self._method.settings, partner=first, draw=draw)


class TVMSearcher(Searcher):
    """MetaSchedule's search of all its design spaces, where a schedule is a trace."""

    def __init__(self, seed: int) -> None:
        self._search = TVMSearch(seed)

    def start(self) -> None:
        self._search.start()

    def ask(self, task: Task, count: int, budget: int) -> list[Schedule]:
        return list(self._search.ask(task, count))

    def tell(self, task: Task, timed: Sequence[Timed], budget: int) -> None:
        traces = [(schedule, seconds) for schedule, seconds in timed if isinstance(schedule, str)]
        if traces:
            self._search.tell(task, traces)

    def close(self) -> None:
        self._search.close()


def make_searcher(
    name: str, spaces: Spaces, seed: int, knowledge: Knowledge | None = None, policy: Policy | None = None
) -> Searcher:
    """By name, of `TUNERS`. UserError for a name that there isn't, a policy that is lacking, and what it can't use."""
    choose(name, TUNERS, "tuner")
    if policy is None and name == POLICY:
        raise UserError(f"tuner {name!r} needs a policy for kernels; give one, which tunewright train makes")
    if policy is not None and policy.problem != PROBLEM:
        raise UserError(f"a policy for {policy.problem} can't tune kernels; give one for {PROBLEM}")
    if policy is not None and name == TVM:
        raise UserError(f"tuner {name!r} can't begin with a policy's schedules; leave the policy out")
    if knowledge is not None and name != "ga_dqn":
        raise UserError(f"tuner {name!r} learns nothing from other kernels; leave transfer_from out, or use ga_dqn")
    if name == TVM:
        return TVMSearcher(seed)
    return GeneSearcher("random" if name == POLICY else name, spaces, seed, knowledge, policy)
