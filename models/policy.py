"""The policy file: what training leaves behind, as data. Using one needs neither Ray nor trust in its sender."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.encoders.config import EncoderConfig, InputSizes
from models.forward import Forward, forward_of
from models.player import Memory, Player, probabilities_of
from models.store.atomic import new_directory, read_json, write_json
from models.store.tensor_file import check_tensors, read_tensors, write_tensors
from rllib_envs.errors import UserError
from rllib_envs.names import choose
from rllib_envs.problem import ObservationSpec, Problem
from rllib_envs.registry import make_problem

if TYPE_CHECKING:
    from models.networks import Network

SCHEMA_VERSION = 1
CARD, WEIGHTS = "policy.json", "policy.safetensors"
KINDS = ("actor_critic", "q", "recurrent_q")

MAX_SIZE = 1 << 16
"""No observation has more entities or features, and no episode more steps; a larger number is damage."""


@dataclass(frozen=True)
class Policy:
    """A network and everything needed to use it: which problem it decides on, how it sees it, where it came from."""

    kind: str
    """"actor_critic" (scores are log-probabilities), "q" or "recurrent_q" (scores are expected returns). One that is
    recurrent remembers its episode, in a state as wide as the encoder."""
    problem: str
    """Registered name of the problem."""
    problem_config: Mapping[str, Any]
    """Keyword arguments that build the problem as it was trained on."""
    actions: tuple[str, ...]
    """What each output means."""
    spec: ObservationSpec
    """The sizes of what it sees."""
    horizon: int
    """Decisions in an episode of its training; `steps_left` is a share of this."""
    encoder: EncoderConfig
    weights: Mapping[str, np.ndarray] = field(repr=False)
    """float32 arrays under the parameter names of the network."""
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """JSON values: suite and its hash, seeds, trainer, iterations, environment steps, processor, versions."""

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """Read a policy from its folder, one of its two files, or a run directory that has a `policy/`.

        Executes nothing from the file. Raises UserError, naming the file and the remedy, when a file is missing or
        damaged, when the two don't belong together, or when the problem is no longer the one it was trained on.
        """
        card_path = _find_card(Path(path))
        card = read_json(card_path, "a policy's description")
        policy = cls._from_card(card_path, card, read_tensors(card_path.with_name(WEIGHTS)))
        policy._check_problem(card_path)
        check_tensors(card_path.with_name(WEIGHTS), policy.weights, policy._expected_shapes())
        return policy

    @classmethod
    def _from_card(cls, path: Path, card: Mapping[str, Any], weights: Mapping[str, np.ndarray]) -> Policy:
        version = card.get("schema_version")
        if version != SCHEMA_VERSION:
            raise UserError(
                f"{path} has schema version {version!r}; this installation reads version {SCHEMA_VERSION}. "
                "Load it with the release that wrote it, or train again"
            )
        try:
            spec = ObservationSpec(**card["observation"])
            encoder = EncoderConfig(**card["encoder"])
            choose(card["kind"], KINDS, "kind of policy")
            sizes = (*spec, card["horizon"])
            if not all(isinstance(size, int) and 0 <= size <= MAX_SIZE for size in sizes):
                raise ValueError(f"sizes must be whole numbers from 0 to {MAX_SIZE}, got {list(sizes)}")
            return cls(
                kind=card["kind"],
                problem=str(card["problem"]),
                problem_config=dict(card["problem_config"]),
                actions=tuple(map(str, card["actions"])),
                spec=spec,
                horizon=card["horizon"],
                encoder=encoder,
                weights=weights,
                provenance=dict(card.get("provenance", {})),
            )
        except KeyError as error:
            raise UserError(f"{path} lacks the entry {error}; copy the file again from its source") from None
        except (TypeError, ValueError) as error:
            raise UserError(f"{path} is not a policy's description: {error}; copy it again from its source") from None

    def _check_problem(self, path: Path) -> None:
        try:
            problem = self.make_problem()
        except UserError as error:
            raise UserError(f"{path}: its problem can't be built here: {error}") from None
        try:
            if tuple(problem.actions) != self.actions:
                raise UserError(
                    f"{path} was trained for the actions {', '.join(self.actions)}; problem {self.problem!r} now has "
                    f"{', '.join(problem.actions)}. Train a new policy, or use the release that trained this one"
                )
            if problem.spec != self.spec:
                raise UserError(
                    f"{path} was trained on observations of {tuple(self.spec[:3])}; problem {self.problem!r} now shows "
                    f"{tuple(problem.spec[:3])} (tokens, token features, globals). Train a new policy"
                )
        finally:
            problem.close()

    def _expected_shapes(self) -> dict[str, tuple[int, ...]]:
        import torch

        from models.networks import build_network

        with torch.device("meta"):
            network = build_network(self.kind, InputSizes.of(self.spec, len(self.actions)), self.encoder)
        return {name: tuple(value.shape) for name, value in network.state_dict().items()}

    @property
    def card(self) -> dict[str, Any]:
        """Everything but the weights, as JSON values: the content of `policy.json`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": self.kind,
            "problem": self.problem,
            "problem_config": dict(self.problem_config),
            "actions": list(self.actions),
            "observation": self.spec.to_json(),
            "horizon": self.horizon,
            "encoder": asdict(self.encoder),
            "provenance": dict(self.provenance),
        }

    @cached_property
    def digest(self) -> str:
        """Hexadecimal SHA-256 of all that decisions depend on; where the policy came from does not enter."""
        card = {name: value for name, value in self.card.items() if name != "provenance"}
        digest = hashlib.sha256(json.dumps(card, sort_keys=True).encode())
        for name, array in sorted(self.weights.items()):
            digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, directory: str | Path) -> Path:
        """Write `policy.json` and `policy.safetensors` into `directory`, replacing what it held in one step."""
        check_tensors(Path(directory) / WEIGHTS, self.weights, self._expected_shapes())
        with new_directory(directory) as folder:
            write_tensors(folder / WEIGHTS, self.weights)
            write_json(folder / CARD, self.card)
        return Path(directory)

    def make_problem(self) -> Problem[Any]:
        """The problem as it was trained on; close it after use."""
        return make_problem(self.problem, self.problem_config)

    @cached_property
    def network(self) -> Network:
        """The network with its weights, ready to decide."""
        import torch

        from models.networks import build_network

        network = build_network(self.kind, InputSizes.of(self.spec, len(self.actions)), self.encoder)
        network.load_state_dict({name: torch.tensor(value) for name, value in self.weights.items()}, strict=True)
        return network.requires_grad_(False).eval()

    @cached_property
    def forward(self) -> Forward:
        """To ask the network about a few states, in the fastest way."""
        return forward_of(self.network)

    @property
    def recurrent(self) -> bool:
        """Whether its decisions depend on what it has seen before in the episode."""
        return self.kind == "recurrent_q"

    def start(self) -> Player:
        """The policy at the start of an episode, to be asked once at each of its steps."""
        return Player(self.forward, values=self._values)

    def probabilities(
        self, inputs: Sequence[Mapping[str, np.ndarray]], memories: Sequence[Memory]
    ) -> tuple[np.ndarray, Sequence[Memory]]:
        """float64 [states, actions] for one state in each of several episodes: how likely each action is to be drawn.

        `memories` are what is remembered of each episode: None at its start, later what was returned here for the step
        before. One call with many states takes little longer than one with a single state.
        """
        return probabilities_of(self.forward, inputs, memories, values=self._values)

    @property
    def _values(self) -> bool:
        """Whether scores are expected returns."""
        return self.kind != "actor_critic"

    def scores(self, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        """As `Player.scores`, for policies that remember nothing."""
        return self._anywhere().scores(inputs)

    def act(self, inputs: Mapping[str, np.ndarray], rng: np.random.Generator | None = None) -> int:
        """As `Player.act`, for policies that remember nothing."""
        return self._anywhere().act(inputs, rng)

    def _anywhere(self) -> Player:
        """ValueError where a decision depends on the steps before."""
        if self.recurrent:
            raise ValueError("this policy remembers its episode; call start() and ask what that returns at each step")
        return self.start()


def _find_card(path: Path) -> Path:
    """The JSON file of the policy that `path` means."""
    if path.name in (CARD, WEIGHTS):
        return path.with_name(CARD)
    for candidate in (path / CARD, path / "policy" / CARD):
        if candidate.exists():
            return candidate
    if not path.exists():
        raise UserError(f"{path} does not exist; give a policy's folder or a run directory")
    if path.is_file():
        raise UserError(f"{path} is no policy; give the folder that holds {CARD} and {WEIGHTS}")
    raise UserError(f"{path} holds no policy ({CARD}); give a policy's folder, or a run that has saved one")
