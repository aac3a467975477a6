"""Placing a compute graph on a streaming engine, one decision at a time.

Nodes come in the graph's topological order. For each a tile is chosen, which implies its spoke; a root may start in
any spoke's turn, so its spoke is chosen before its tile. Choosing among a root's slices at once would take
tiles * spokes candidates, 384 on the largest device of arXiv 2205.13675 instead of 64.

Every state stands for an answer: the mapping that list scheduling makes of it. The untuned state is therefore plain
list scheduling, and every decision that a search or a policy makes is worth something at once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.problem import (
    Benchmark,
    Choose,
    Evaluation,
    Observation,
    ObservationSpec,
    PolicyInput,
    Problem,
)
from rllib_envs.streaming_engine.candidate_features import CANDIDATE_FEATURES, candidate_features
from rllib_envs.streaming_engine.completion import TRIES
from rllib_envs.streaming_engine.decoder import PIECE
from rllib_envs.streaming_engine.describe import describe
from rllib_envs.streaming_engine.device import MAX_TILES
from rllib_envs.streaming_engine.evaluate import evaluate
from rllib_envs.streaming_engine.global_features import GLOBAL_FEATURES, global_features
from rllib_envs.streaming_engine.graph import MAX_NODES
from rllib_envs.streaming_engine.lockstep import decode_with
from rllib_envs.streaming_engine.mapping import Mapping as NodeMapping
from rllib_envs.streaming_engine.node_features import LINKS, NODE_FEATURES, NODES_SHOWN, node_features, node_links
from rllib_envs.streaming_engine.partial import PartialMapping
from rllib_envs.streaming_engine.placement import TASKS_KEPT, Placement, Prospect, task_of
from rllib_envs.streaming_engine.scene import Scene
from rllib_envs.streaming_engine.structure import conflicts_seen
from rllib_envs.streaming_engine.task import Task
from rllib_envs.streaming_engine.traits import make_traits

DEFAULT_MAX_TILES = 64
"""The largest device of the paper."""
PROSPECTS_KEPT = 4096
"""States whose candidates stay known; a few kB each, and going on from one of them costs a tenth of a millisecond."""


class StreamingEngine(Problem[Placement]):
    """The mapping problem. Its actions point at the candidates: action i is tile i, or spoke i where that is asked.

    `max_tiles` is the largest device that fits. With `look_ahead`, choices after which a mapping is bound to run into
    a dead end are masked.
    """

    name = "streaming_engine"
    horizon = 2 * MAX_NODES

    def __init__(self, max_tiles: int = DEFAULT_MAX_TILES, look_ahead: bool = True) -> None:
        if not 1 <= max_tiles <= MAX_TILES:
            raise UserError(f"max_tiles is {max_tiles}; it must be from 1 to {MAX_TILES}")
        self.config = {"max_tiles": max_tiles, "look_ahead": look_ahead}
        self.actions = tuple(f"candidate_{index}" for index in range(max_tiles))
        self.spec = ObservationSpec(
            max_tokens=max_tiles + NODES_SHOWN,
            token_features=max(len(CANDIDATE_FEATURES), len(NODE_FEATURES)) + LINKS,
            global_features=len(GLOBAL_FEATURES),
            points=True,
            links=LINKS,
        )
        self._look_ahead = look_ahead
        self._prospects: OrderedDict[Placement, Prospect] = OrderedDict()

    def __reduce__(self) -> tuple[Any, ...]:
        """Without what is remembered."""
        return partial(type(self), **self.config), ()

    def initial(self, benchmark: Benchmark) -> Placement:
        task = task_of(benchmark)
        most = max(task.device.tiles, task.device.spokes)
        if most > len(self.actions):
            raise UserError(
                f"benchmark {benchmark.name!r} has a device of {task.device.tiles} tiles and {task.device.spokes} "
                f"spokes, and the problem was made for {len(self.actions)} of each; set max_tiles to {most}"
            )
        return Placement(task)

    def _prospect(self, state: Placement) -> Prospect:
        known = self._prospects.get(state)
        if known is None:
            known = self._keep(Prospect.start(state, self._look_ahead and _can_begin(state)))
        else:
            self._prospects.move_to_end(state)
        return known

    def _keep(self, prospect: Prospect) -> Prospect:
        self._prospects[prospect.placement] = prospect
        if len(self._prospects) > PROSPECTS_KEPT:
            self._prospects.popitem(last=False)
        return prospect

    def legal(self, state: Placement) -> np.ndarray:
        legal = np.zeros(len(self.actions), bool)
        known = self._prospect(state).legal
        legal[: len(known)] = known
        return legal

    def apply(self, state: Placement, action: int) -> Placement:
        prospect = self._prospect(state)
        if action >= len(prospect.legal) or not prospect.legal[action]:
            raise IllegalAction(f"{self.actions[action]}: {_refusal(prospect, action)}")
        following = prospect.after(action)
        return self._keep(following).placement

    def observe(self, state: Placement) -> Observation:
        """The candidates in the rows of their actions, and behind them nodes of the graph, the one at hand first."""
        if state.finished:
            spec = self.spec
            tokens = np.zeros((spec.max_tokens, spec.token_features), np.float32)
            return Observation(tokens, np.zeros(spec.max_tokens, np.int8), np.zeros(spec.global_features, np.float32))
        return Observation(*(array[0] for array in self.observe_batch(self._prospect(state).scene())))

    def observe_batch(self, scene: Scene) -> Observation:
        """For each mapping of a scene, with a batch axis in front."""
        spec, rows = self.spec, len(self.actions)
        tokens = np.zeros((scene.batch, spec.max_tokens, spec.token_features), np.float32)
        mask = np.zeros((scene.batch, spec.max_tokens), np.int8)
        candidates, nodes = candidate_features(scene), node_features(scene)
        tokens[:, : candidates.shape[1], : candidates.shape[2]] = candidates
        tokens[:, rows : rows + nodes.shape[1], : nodes.shape[2]] = nodes
        tokens[:, rows : rows + nodes.shape[1], -spec.links :] = (node_links(scene, rows) + 1) / spec.max_tokens
        mask[:, : candidates.shape[1]] = mask[:, rows : rows + nodes.shape[1]] = 1
        return Observation(tokens, mask, global_features(scene))

    def evaluate(self, state: Placement) -> Evaluation:
        task = state.task
        bound = make_traits(task).bound
        done, _, makespan = self._prospect(state).completion
        return Evaluation(
            value=float(task.latest if makespan is None else makespan),
            unit="cycles",
            scale=float(bound),
            higher_is_better=False,
            error=_why_not(done) if makespan is None else "",
            how=f"completed by list scheduling, judged rule by rule; the bound is {bound} cycles",
            details={"bound": float(bound)},
        )

    def play_together(self, benchmark: Benchmark, episodes: int, choose: Choose, horizon: int) -> tuple[int, ...]:
        """In lockstep, at most `PIECE` of them. The best is the one that ends first by its own decisions, whatever list
        scheduling makes of the states on its way."""
        taken: list[np.ndarray] = []

        def noted(inputs: PolicyInput) -> np.ndarray:
            taken.append(choose(inputs))
            return taken[-1]

        decoded = decode_with(self, task_of(benchmark), min(episodes, PIECE), noted, horizon)
        if not decoded.complete.any():
            return ()
        best = np.where(decoded.complete, decoded.makespans, np.iinfo(np.int32).max).argmin()
        return tuple(int(actions[best]) for actions in taken)

    def answer(self, state: Placement) -> NodeMapping | None:
        """The mapping that a state stands for; None where it could not be completed."""
        done = self._prospect(state).completion.partial
        return done.mapping() if done.finished else None

    def record_key(self, state: Placement) -> None:
        """Evaluating takes less time than looking it up in a file."""

    def baselines(self) -> Mapping[str, Callable[[Benchmark], Evaluation]]:
        return {"list_scheduling": lambda benchmark: self.evaluate(self.initial(benchmark))}

    def describe(self, state: Placement) -> str:
        return describe(state, self._prospect(state).completion.partial)


def _why_not(longest: PartialMapping) -> str:
    """Why there is no complete mapping, by the one that got farthest."""
    task = longest.task
    return _conflict(task) or (
        f"no slice is left for {task.graph.nodes[longest.node].name!r} after {longest.step} of {len(task.graph)} "
        f"nodes, and {TRIES} runs of list scheduling got no further"
    )


@lru_cache(maxsize=TASKS_KEPT)
def _conflict(task: Task) -> str:
    """Why the task is infeasible, where that is seen without a search."""
    return next((conflict.text for conflict in conflicts_seen(task)), "")


def _can_begin(state: Placement) -> bool:
    """Whether look-ahead leaves the first decision anything. If not, the task is infeasible; an episode then goes on
    without it to a dead end, since it needs a first step.
    """
    return any(PartialMapping(state.task).legal_spokes())


def _refusal(prospect: Prospect, action: int) -> str:
    """Why the candidate is not legal, in words."""
    placement, partial = prospect.placement, prospect.partial
    if placement.finished:
        return "all nodes are placed"
    device, name = placement.task.device, placement.task.graph.nodes[partial.node].name
    if placement.choosing_spoke:
        if action >= device.spokes:
            return f"the device has {device.spokes} spokes"
        return f"no tile is left for {name!r} in the turn of spoke {action}"
    if action >= device.tiles:
        return f"the device has {device.tiles} tiles"
    mapping = partial.mapping().place(partial.node, action, prospect.when[action] % device.spokes)
    broken = [one.text for one in evaluate(placement.task, mapping).violations if one.rule != "unplaced"]
    return broken[0] if broken else f"with {name!r} on tile {action} no mapping can be completed"
