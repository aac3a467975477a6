"""RLlib's environment runner on a pool: whichever environments are ready share one forward pass."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space
from ray.rllib.callbacks.callbacks import RLlibCallback
from ray.rllib.callbacks.utils import make_callback
from ray.rllib.env.single_agent_env_runner import SingleAgentEnvRunner
from ray.rllib.env.single_agent_episode import SingleAgentEpisode
from ray.rllib.utils.metrics import WEIGHTS_SEQ_NO

from models.env_faults import SESSION, report_fault
from models.runners.acting import Actor, TorchActor
from models.runners.env_factory import IN_PROCESSES, env_factory
from models.runners.env_pool import EnvPool, SerialPool
from models.runners.numpy_actor import MOST_ROWS, NumpyActor
from models.runners.outcomes import ENVS_LOST, Lost, Started, Stepped
from models.runners.process_pool import ProcessPool
from models.runners.seeding import seed_without_compiler

EPISODE_EVENTS = ("on_episode_created", "on_episode_start", "on_episode_step", "on_episode_end")


class PoolEnvRunner(SingleAgentEnvRunner):
    """Steps its environments one by one instead of in lockstep, with half of RLlib's overhead or less.

    Takes every `config.env` that RLlib's own runner takes, if its actions are discrete. The environments run in this
    process, or each in one of its own if `env_config` has `env_processes` set. Episodes that go on at the end of a
    fragment are cut and continued as RLlib's own are; so are steps that are still being played then, which are part of
    the next fragment. Gymnasium's vectorisation and RLlib's connectors between environment and module are bypassed:
    what they would do is done in `models.runners.acting`; connectors of one's own are refused. The state of a recurrent
    module goes on with its episode, through fragments, too; it is not recorded, so learners have to start from an
    episode's first step.

    What an environment raises is raised by `sample`, because playing on would hide a broken contract. Only where the
    process of one dies is that one replaced.
    """

    # RLlib declares these as they are before they are made.
    env: Any
    module: Any
    _ongoing_episodes: list[Any]
    _pool: EnvPool

    def __init__(self, *, config: Any, **kwargs: Any) -> None:
        seed_without_compiler()
        config = config.copy(copy_frozen=False)
        # RLlib takes a second to build these, and they would not be used. Of the others it asks for their spaces.
        config.add_default_connectors_to_module_to_env_pipeline = False
        super().__init__(config=config, **kwargs)

    def make_env(self) -> None:
        """Build the pool; close the one before."""
        if self.env is not None:
            self._pool.close()
        config: Any = self.config
        if config._env_to_module_connector or config._module_to_env_connector:
            raise ValueError(f"{type(self).__name__} runs no env-to-module or module-to-env connectors; remove them")
        make = env_factory(config.env, config.env_config, self.worker_index or 0, self.num_workers)
        kind = ProcessPool if config.env_config.get(IN_PROCESSES) else SerialPool
        self.num_envs = config.num_envs_per_env_runner
        self._pool = kind(make, self.num_envs)
        seen, acted = self._pool.observation_space, self._pool.action_space
        if not isinstance(acted, spaces.Discrete):
            self._pool.close()
            raise ValueError(f"{type(self).__name__} plays discrete actions, not {acted}")
        # What RLlib asks a vector environment for.
        self.env = SimpleNamespace(
            num_envs=self.num_envs,
            single_observation_space=seen,
            single_action_space=acted,
            observation_space=batch_space(seen, self.num_envs),
            action_space=batch_space(acted, self.num_envs),
            close=self._pool.close,
        )
        self.env.unwrapped = self.env
        self._needs_initial_reset = True
        self._heard = {event for event in EPISODE_EVENTS if self._is_heard(event)}
        make_callback(
            "on_environment_created",
            callbacks_objects=self._callbacks,
            callbacks_functions=config.callbacks_on_environment_created,
            kwargs={"env_runner": self, "metrics_logger": self.metrics, "env": self.env, "env_context": make.config},
        )

    def make_module(self) -> None:
        super().make_module()  # type: ignore[no-untyped-call]
        if self.module is None:
            return
        initial = self.module.get_initial_state()
        self._initial_state = {name: np.asarray(value) for name, value in initial.items()}
        # RLlib switches to evaluation for each forward pass and back; there is nothing to switch back to here.
        self.module.eval()
        device = self._device if isinstance(self._device, torch.device) and self._device.type != "cpu" else None
        self._torch_actor = TorchActor(self.module, device)
        self._small_batches = device is None and NumpyActor.knows(self.module)
        self.weights_changed()

    def set_state(self, state: Any) -> None:
        super().set_state(state)
        self.weights_changed()

    def weights_changed(self) -> None:
        """To be called whenever the module's weights are others than before."""
        self._numpy_actor: NumpyActor | None = None

    def _actor(self, rows: int) -> Actor:
        """The fastest one for so many observations."""
        if not self._small_batches or rows > MOST_ROWS:
            return self._torch_actor
        if self._numpy_actor is None:
            self._numpy_actor = NumpyActor(self.module)
        return self._numpy_actor

    def exploration(self, indices: list[int]) -> dict[str, Any]:
        """Keyword arguments for the module's `forward_exploration`, whose rows are the environments `indices`."""
        return {}

    def sample(self, **kwargs: Any) -> list[SingleAgentEpisode]:
        """RLlib replaces a runner that raises without a word, so the driver is told what it was."""
        try:
            return super().sample(**kwargs)
        except Exception as error:
            if self.worker_index and SESSION in self.config.env_config:
                report_fault(self.config.env_config[SESSION], error)
            raise

    def _sample(
        self,
        *,
        num_timesteps: int | None = None,
        num_episodes: int | None = None,
        explore: bool,
        random_actions: bool = False,
        force_reset: bool = False,
    ) -> list[SingleAgentEpisode]:
        """At least this many steps, or episodes; fewer than one more for each environment."""
        if force_reset or num_episodes is not None or self._needs_initial_reset:
            self._start()
        self._needs_initial_reset = True  # unless all goes well
        finished: list[SingleAgentEpisode] = []
        steps = 0
        while steps < num_timesteps if num_timesteps is not None else len(finished) < (num_episodes or 0):
            if self._waiting:
                self._act(explore, random_actions, steps)
            for index, outcome in self._pool.ready():
                if isinstance(outcome, Stepped):
                    steps += 1
                    finished += self._stepped(index, outcome)
                elif isinstance(outcome, Started):
                    self._started(index, outcome)
                else:
                    self._lost(index, outcome)
        self._done_episodes_for_metrics.extend(finished)
        self._increase_sampled_metrics(steps, len(finished))  # type: ignore[no-untyped-call]
        if num_timesteps is None:
            return finished
        self._needs_initial_reset = False
        return finished + self._cut()

    def _start(self) -> None:
        # As RLlib does: a reset that is forced upon episodes under way goes on with the same generators.
        self._pool.start(self._seed if self._needs_initial_reset else None)
        self._ongoing_episodes_for_metrics.clear()
        self._ongoing_episodes = [None] * self.num_envs
        self._waiting: list[int] = []
        self._observations: list[Any] = [None] * self.num_envs
        self._states: list[Any] = [None] * self.num_envs
        self._played: list[Any] = [None] * self.num_envs

    def _act(self, explore: bool, random_actions: bool, steps: int) -> None:
        """Send an action to each environment that waits for one."""
        indices, self._waiting = self._waiting, []
        if random_actions:
            for index in indices:
                self._send(index, int(self.env.single_action_space.sample()), {})
            return
        observed = [self._observations[index] for index in indices]
        before = [self._states[index] for index in indices] if self._initial_state else None
        kwargs: dict[str, Any] = {}
        if explore:
            runners = self.config.num_env_runners or 1
            # RLlib's estimate of the steps of all runners together.
            kwargs["t"] = (self.num_env_steps_sampled_lifetime // runners + steps) * runners
            kwargs |= self.exploration(indices)
        actions, extra, states = self._actor(len(indices)).decide(observed, before, explore, **kwargs)
        for row, (index, action) in enumerate(zip(indices, actions, strict=True)):
            self._states[index] = {name: values[row] for name, values in states.items()}
            self._send(index, action, {name: values[row] for name, values in extra.items()})

    def _send(self, index: int, action: int, extra: dict[str, Any]) -> None:
        extra[WEIGHTS_SEQ_NO] = self._weights_seq_no
        self._played[index] = action, extra
        self._pool.send(index, action)

    def _started(self, index: int, outcome: Started) -> None:
        episode = self._ongoing_episodes[index] = SingleAgentEpisode(
            observation_space=self.env.single_observation_space, action_space=self.env.single_action_space
        )
        self._tell("on_episode_created", index)
        episode.add_env_reset(outcome.observation, outcome.info)
        self._tell("on_episode_start", index)
        self._states[index] = self._initial_state
        self._observe(index, outcome.observation)

    def _stepped(self, index: int, outcome: Stepped) -> list[SingleAgentEpisode]:
        """Record a step; the episode if it was its last."""
        episode: Any = self._ongoing_episodes[index]
        action, extra = self._played[index]
        episode.add_env_step(
            outcome.observation,
            action,
            outcome.reward,
            outcome.info,
            terminated=outcome.terminated,
            truncated=outcome.truncated,
            extra_model_outputs=extra,
        )
        self._tell("on_episode_step", index)
        if not outcome.done:
            self._observe(index, outcome.observation)
            return []
        self._tell("on_episode_end", index)
        return [self._handed_out(episode)]

    def _lost(self, index: int, outcome: Lost) -> None:
        episode, self._ongoing_episodes[index] = self._ongoing_episodes[index], None
        if episode is not None:
            self._ongoing_episodes_for_metrics.pop(episode.id_, None)
        if index in self._waiting:
            self._waiting.remove(index)
        self.metrics.log_value(ENVS_LOST, 1, reduce="lifetime_sum")

    def _observe(self, index: int, observation: Any) -> None:
        self._observations[index] = observation
        self._waiting.append(index)

    def _cut(self) -> list[SingleAgentEpisode]:
        """What was played of the episodes that go on; each is continued by a new part with the same id."""
        parts = []
        for index, episode in enumerate(self._ongoing_episodes):
            if episode is None or episode.is_done or len(episode) == 0:
                continue
            self._ongoing_episodes[index] = episode.cut(len_lookback_buffer=self.config.episode_lookback_horizon)
            self._ongoing_episodes_for_metrics[episode.id_].append(episode)
            parts.append(self._handed_out(episode))
        return parts

    def _handed_out(self, episode: SingleAgentEpisode) -> SingleAgentEpisode:
        return episode.to_numpy() if self.episodes_to_numpy else episode

    def _tell(self, event: str, index: int) -> None:
        if event in self._heard:
            self._make_on_episode_callback(event, index, self._ongoing_episodes)

    def _is_heard(self, event: str) -> bool:
        """Whether any callback is there for it; calling those that do nothing takes a third of a cheap step."""
        inherited = getattr(RLlibCallback, event)
        overridden = any(getattr(type(callbacks), event) is not inherited for callbacks in self._callbacks)
        return overridden or bool(getattr(self.config, f"callbacks_{event}"))

    def stop(self) -> None:
        """End the environments and their processes."""
        if self.env is not None:
            self._pool.close()
