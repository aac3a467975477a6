"""The options of `launcher/streaming_engine.py`, under the names that its users know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from launcher.options import at_least
from rllib_envs.errors import UserError
from rllib_envs.streaming_engine.device import DEFAULT_PIPELINE_DEPTH
from rllib_envs.streaming_engine.rules import Rules

MODES = ("random search", "CMA-ES", "PPO", "Sinkhorn assignment", "curriculum of graphs", "transformer")
RANDOM, CMA_ES, PPO, SINKHORN, CURRICULUM, TRANSFORMER = range(len(MODES))


@dataclass(frozen=True)
class MappingOptions:
    """Map a compute graph on a streaming engine, in one of six ways."""

    mode: int = PPO
    """0 random search, 1 CMA-ES over whole numbers, 2 PPO with a scorer of candidates, 3 PPO with a Sinkhorn assignment
    of nodes to tiles, 4 PPO with graph attention on a curriculum of ever larger graphs, 5 PPO with a transformer."""
    device_topology: tuple[int, ...] = (16, 6)
    """Tiles and spokes of the device, or rows, columns and spokes, such as 4 1 3."""
    pipeline_depth: int = DEFAULT_PIPELINE_DEPTH
    """Cycles from an instruction's start until its result is ready."""
    epochs: int = 2000
    """Mappings to try in modes 0 and 1, episodes to play in modes 2 to 5; with --model, 0 only applies the policy."""
    input: str = "vector_add"
    """The graph: a file, or the name of a shipped one. Empty: random graphs of --nodes nodes. In mode 4 it may be a
    folder of benchmarks, to train on."""
    nodes: int = 20
    """Nodes of a random graph, and of the largest of the curriculum."""
    debug: bool = False
    """Print the graph for Graphviz before anything else, and show the traceback of an error."""
    no_tm_constr: bool = False
    """Users of a tile-memory variable may be on different tiles."""
    no_sf_constr: bool = False
    """Roots, each of which starts a synchronous data flow, may share a tile."""
    no_sibling_constr: bool = False
    """Successors of one node may share a tile."""
    pass_timing: bool = False
    """A hop beyond the second costs two cycles instead of one."""
    ppo_epoch: int = 4
    """Passes over a batch in mode 3."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    graph_size: int = 64
    """Width of the graph attention of mode 4."""
    emb_size: int = 64
    """Width of the networks of modes 2, 3 and 5."""
    update_timestep: int = 64
    """Episodes between two updates of the policy."""
    K_epochs: Annotated[int, tyro.conf.arg(name="K_epochs")] = 6
    """Passes over a batch in modes 2, 4 and 5."""
    eps_clip: float = 0.2
    """How far the ratio of new to old probability counts."""
    gamma: float = 0.99
    """How much a reward loses a decision later."""
    lr: float = 1e-3
    """Step size of Adam."""
    betas: tuple[float, float] = (0.9, 0.999)
    """How long Adam remembers gradients, and their squares."""
    loss_entropy_c: float = 0.01
    """Weight of the entropy bonus at first; it falls to a tenth."""
    loss_value_c: float = 0.5
    """How much the critic's loss counts beside the actor's."""
    model: Path | None = None
    """A run to go on from, as another run. With --epochs 0 also a policy, to be applied as it is."""
    log_interval: int = 100
    """Episodes between two lines at least; there is one after an update at most."""
    seed: int = 0
    """Of everything random."""
    env_runners: int = 0
    """Worker processes that play episodes; 0 plays them in this one."""
    seconds: float = 10.0
    """For the answer: sampling the policy, and a proof where nothing was found."""
    runs: Path | None = None
    """Where the run directory is made; runs/ here, or under $LOOP_TOOL_ROOT where that is set."""

    @property
    def learns(self) -> bool:
        return self.mode >= PPO

    @property
    def rules(self) -> Rules:
        return Rules(not self.no_tm_constr, not self.no_sf_constr, not self.no_sibling_constr, self.pass_timing)

    def check(self) -> None:
        """Refuse what can't work before anything is read or written."""
        if not 0 <= self.mode < len(MODES):
            known = ", ".join(f"{number} {name}" for number, name in enumerate(MODES))
            raise UserError(f"there is no mode {self.mode}; known: {known}")
        at_least(
            ("--epochs", self.epochs, 0 if self.model else 1),
            ("--nodes", self.nodes, 2),
            ("--pipeline_depth", self.pipeline_depth, 1),
            ("--ppo-epoch", self.ppo_epoch, 1),
            ("--K_epochs", self.K_epochs, 1),
            ("--update_timestep", self.update_timestep, 1),
            ("--log_interval", self.log_interval, 1),
            ("--seed", self.seed, 0),
            ("--env-runners", self.env_runners, 0),
        )
        positive = {"--seconds": self.seconds, "--lr": self.lr, "--max-grad-norm": self.max_grad_norm}
        for flag, value in (*positive.items(), ("--eps_clip", self.eps_clip), ("--gamma", self.gamma)):
            if not value > 0:
                raise UserError(f"{flag} is {value:g}; it must be more than 0")
        shares = zip(
            ("--gamma", "the first of --betas", "the second of --betas"), (self.gamma, *self.betas), strict=True
        )
        for flag, value in shares:
            if not 0 <= value <= 1 or (value == 1 and "betas" in flag):
                raise UserError(f"{flag} is {value:g}; it must be from 0 to 1, and less than 1 for --betas")
        if self.model and not self.learns:
            raise UserError(f"--model is for modes 2 to 5; mode {self.mode} ({MODES[self.mode]}) uses no policy")
