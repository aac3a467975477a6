"""The driver: starts runners, shards and learner, and keeps all of them busy without touching the data itself."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import ray
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.dqn import DQN
from ray.rllib.core import COMPONENT_LEARNER, COMPONENT_RL_MODULE, DEFAULT_MODULE_ID
from ray.rllib.core.learner.training_data import TrainingData
from ray.rllib.utils.metrics import ENV_RUNNER_RESULTS, LEARNER_RESULTS, NUM_ENV_STEPS_SAMPLED_LIFETIME

from models.apex_dqn.config import ApexDQNConfig
from models.apex_dqn.env_runner import Failed, Weights
from models.apex_dqn.learner import STATE, UPDATES
from models.apex_dqn.meter import ELSEWHERE, LEARNING, THROTTLED, WAITING, Meter
from models.apex_dqn.shard_group import ShardGroup, make_shard
from models.replay.prioritized import deal
from models.replay.shard import Drawn, ReplayShard, joined_by_age
from models.runners.outcomes import EnvError
from rllib_envs.errors import TunewrightError

RESULTS = "apex_dqn"
"""Where a result holds the figures of `Meter`."""
WAIT_SECONDS = 0.01
"""How long the driver waits at a time where there is nothing else to do."""
PROBE_EVERY_SECONDS = 0.5
"""How often a runner that died is asked whether it is back."""
PING_SECONDS = 5.0
"""How long runners may take to say that they are there, once training is silent."""
REPLAY = "replay/"
"""What the names of the replay's arrays begin with in a training state."""


class NoProgress(TunewrightError):
    """Neither environment steps nor updates for too long."""


class ApexDQN(DQN):
    """Runners play all the time; the learner learns whenever there is something to learn and the ratio allows it."""

    # RLlib declares these as they are before `setup`, when they are still None.
    config: Any
    metrics: Any
    env_runner_group: Any
    learner_group: Any

    @classmethod
    def get_default_config(cls) -> ApexDQNConfig:
        return ApexDQNConfig()

    def setup(self, config: Any) -> None:
        # DQN's own setup only finds out whether the module is recurrent.
        Algorithm.setup(self, config)
        self._meter = Meter()
        self._shards: ShardGroup | None = None
        self._requested_updates = self._broadcast_at = 0
        self._last_probe = 0.0
        self._drawn: list[Drawn] = []
        self.keeps_replay = bool(self.config.store_buffer_in_checkpoints)
        """Whether `training_state` has the replay in it."""
        if self.config.num_env_runners:
            self._shards = ShardGroup(self.config)
            actors = self._shards.actors
            self.env_runner_group.foreach_env_runner(lambda runner: runner.set_shards(actors), local_env_runner=False)
            self._on_learners(lambda learner: learner.connect([actor.update_priorities.remote for actor in actors]))
        else:
            self._replay = ReplayShard(*make_shard(0, self.config))
            replay = self._replay
            self._on_learners(lambda learner: learner.connect([replay.update_priorities]))
        self.broadcast()

    def _on_learners(self, call: Any) -> None:
        for answer in self.learner_group.foreach_learner(call):
            answer.get()

    def broadcast(self) -> None:
        """Let the runners act with the learner's present weights from their next fragment on."""
        weights = self._present_weights()
        self._publish(ray.put(weights) if self.config.num_env_runners else weights)

    def _present_weights(self) -> Any:
        part = f"{COMPONENT_LEARNER}/{COMPONENT_RL_MODULE}"
        state = self.learner_group.get_state(components=part, inference_only=True)
        return state[COMPONENT_LEARNER][COMPONENT_RL_MODULE][DEFAULT_MODULE_ID]

    def get_module(self, module_id: str = DEFAULT_MODULE_ID) -> Any:
        """The network as the learner has it now; that of a runner may be some updates behind."""
        module = super().get_module(module_id)
        if self._shards and module is not None:
            module.set_state(self._present_weights())
        return module

    def _publish(self, state: Any) -> None:
        totals = self._meter.totals
        totals.weights_version += 1
        self._weights = Weights(totals.weights_version, totals.updates, state)

    def training_step(self) -> None:
        if self._shards is None:
            self._play_then_learn(self._replay)
        else:
            self._keep_busy(self._shards)

    # Everything in this process.

    def _play_then_learn(self, replay: ReplayShard) -> None:
        self._meter.enter(THROTTLED)
        runner = self.env_runner_group.local_env_runner
        steps, transitions = runner.play_here(self._weights)
        if transitions is not None:
            replay.add(transitions)
        self._meter.played(runner.played(steps), self._weights)
        self.metrics.aggregate([runner.get_metrics()], key=ENV_RUNNER_RESULTS)
        while self._may_learn():
            drawn, batch = replay.sample(
                self.config.rows_per_sample, self.config.num_steps_sampled_before_learning_starts
            )
            self._drawn = [drawn]
            if not drawn.ready:
                break
            self._meter.enter(LEARNING)
            self._learn(batch=batch)
        self._check_progress()

    # Everything in its own process, except that one learner may be in this one.

    def _keep_busy(self, shards: ShardGroup) -> None:
        self._collect(timeout=0.0)
        if self._may_learn():
            shards.request()
            if self.learner_group.is_remote:
                self._feed_learners(shards)
            else:
                self._learn_here(shards)
        else:
            if self.learner_group.is_remote:
                self._gather(timeout=0.0)
            self._meter.enter(LEARNING if self._requests_in_flight else THROTTLED)
            self._collect(timeout=WAIT_SECONDS)
        self._check_progress()

    def _collect(self, timeout: float) -> None:
        """Take the reports of finished fragments, and let their runners play on. Raises what an environment raised."""
        manager = self.env_runner_group._worker_manager
        answers = list(manager.fetch_ready_async_reqs(tags="play", timeout_seconds=timeout))
        manager.foreach_actor_async("play", tag="play", kwargs={"weights": self._weights})
        # A runner that died is replaced; one that reports an error has a broken environment.
        reports = [answer.get() for answer in answers if answer.ok]
        for report in reports:
            if isinstance(report, Failed):
                error = EnvError(report.error)
                error.add_note(report.trace)
                raise error
            self._meter.played(report, self._weights)
        if reports:
            self.metrics.aggregate([report.metrics for report in reports], key=ENV_RUNNER_RESULTS)

    def _learn_here(self, shards: ShardGroup) -> None:
        self._meter.enter(WAITING)
        for sample in shards.take(1, WAIT_SECONDS):
            batch = ray.get(sample)
            self._meter.enter(LEARNING)
            self._learn(batch=batch)
            self._meter.enter(WAITING)

    def _feed_learners(self, shards: ShardGroup) -> None:
        """One request to each learner, but no more than they have room for: RLlib would drop what is too many."""
        self._meter.enter(LEARNING if self._requests_in_flight else WAITING)
        learners = self.config.num_learners
        room = self.config.max_requests_in_flight_per_learner - self._requests_in_flight // learners
        samples = shards.take(learners, 0.0 if self._requests_in_flight else WAIT_SECONDS) if room > 0 else []
        if samples:
            self._learn(training_data=TrainingData(batch_refs=samples), async_update=True)
        else:
            self._gather(WAIT_SECONDS)

    def _gather(self, timeout: float) -> None:
        """Take the results of the learners in processes of their own."""
        ready = self.learner_group._worker_manager.fetch_ready_async_reqs(timeout_seconds=timeout)
        self._account(self.learner_group._get_results(ready))

    @property
    def _requests_in_flight(self) -> int:
        if self.learner_group.is_local:
            return 0
        return int(self.learner_group._worker_manager.num_outstanding_async_reqs())

    # What both ways have in common.

    def _may_learn(self) -> bool:
        """Whether the ratio of learnt to played transitions allows another sample for each learner."""
        config, totals = self.config, self._meter.totals
        fresh = totals.env_steps - config.num_steps_sampled_before_learning_starts
        if config.training_intensity is None:
            return bool(fresh >= 0)
        after = totals.trained + config.rows_per_sample * max(config.num_learners, 1)
        return bool(after <= config.training_intensity * fresh)

    def _learn(self, **data: Any) -> None:
        config, totals = self.config, self._meter.totals
        self._requested_updates += config.batches_per_sample
        totals.trained += config.rows_per_sample * max(config.num_learners, 1)
        due = self._requested_updates - self._broadcast_at >= config.broadcast_interval
        if due:
            self._broadcast_at = self._requested_updates
        self._account(
            self.learner_group.update(
                timesteps={NUM_ENV_STEPS_SAMPLED_LIFETIME: totals.env_steps}, return_state=due, **data
            )
        )

    def _account(self, results: list[dict[str, Any]]) -> None:
        """Count the updates, pass on new weights, and keep the figures."""
        for index, result in enumerate(results):
            updates, state = result.pop(UPDATES), result.pop(STATE, None)
            # All learners make each update together.
            if index % max(self.config.num_learners, 1) == 0:
                self._meter.learnt(updates)
            if state is not None:
                self._publish(state[0])
        if results:
            self.metrics.aggregate(results, key=LEARNER_RESULTS)

    def _check_progress(self) -> None:
        silence = self._meter.silence
        if silence > self.config.no_progress_timeout_s:
            # Whether one died may not be known yet: it is only told to who asks it.
            answers = self.env_runner_group._worker_manager.foreach_actor(
                "ping", healthy_only=False, timeout_seconds=PING_SECONDS
            )
            answering = sum(answer.ok for answer in answers)
            raise NoProgress(
                f"no environment step and no update for {silence:.0f} s ({answering} of {self.config.num_env_runners} "
                "environment runners answer); with num_env_runners=0 the same training shows the environment's own "
                "error"
            )

    def restore_env_runners(self, env_runner_group: Any) -> list[int]:
        """The runners that are back since the last call. RLlib's own would wait for them up to half a minute."""
        manager = env_runner_group._worker_manager
        dead = [index for index in manager.actor_ids() if not manager.is_actor_healthy(index)]
        if not dead:
            return []
        if time.monotonic() - self._last_probe > PROBE_EVERY_SECONDS:
            self._last_probe = time.monotonic()
            manager.foreach_actor_async("ping", tag="probe", healthy_only=False, remote_actor_ids=dead)
        answers = manager.fetch_ready_async_reqs(tags="probe", timeout_seconds=0.0, mark_healthy=True)
        back = [answer.actor_id for answer in answers if answer.ok and answer.actor_id in dead]
        if back and env_runner_group is self.env_runner_group and self._shards:
            # Its exploration comes with its index, and its weights with the next request to play.
            manager.foreach_actor_async(
                "set_shards", tag="shards", kwargs={"shards": self._shards.actors}, remote_actor_ids=back
            )
        return back

    def step(self) -> dict[str, Any]:
        self._meter.enter(THROTTLED)
        result: dict[str, Any] = super().step()
        if self._shards is None:
            # Whoever looks at the network between two iterations sees what was learnt.
            self.broadcast()
            self.env_runner_group.local_env_runner.take(self._weights)
        self._meter.enter(ELSEWHERE)
        group = self._shards
        result[RESULTS] = self._meter.figures(
            group.drawn.values() if group else self._drawn,
            prefetched=group.prefetched if group else 0,
            lost_samples=group.lost_samples if group else 0,
            in_flight=self._requests_in_flight,
        )
        return result

    def training_state(self) -> dict[str, Any]:
        """Counters, and the replay's arrays if `keeps_replay`; what learners hold is kept elsewhere."""
        state: dict[str, Any] = {**self._meter.state()}
        if self.keeps_replay:
            parts = ray.get([shard.arrays.remote() for shard in self._shards.actors]) if self._shards else None
            arrays = joined_by_age(parts) if parts is not None else self._replay.arrays()
            state |= {REPLAY + name: array for name, array in arrays.items()}
        return state

    def set_training_state(self, state: Mapping[str, Any]) -> None:
        """Go on from `training_state` of whatever number of runners and shards, after the learners were restored."""
        self._meter.set_state(dict(state))
        arrays: dict[str, np.ndarray] = {
            name.removeprefix(REPLAY): array for name, array in state.items() if name.startswith(REPLAY)
        }
        if arrays and self._shards:
            parts = deal(arrays, len(self._shards.actors))
            adds = [shard.add_arrays.remote(part) for shard, part in zip(self._shards.actors, parts, strict=True)]
            ray.get(adds)
        elif arrays:
            self._replay.add_arrays(arrays)
        self.broadcast()

    def cleanup(self) -> None:
        if getattr(self, "_shards", None):
            self._shards.stop()  # type: ignore[union-attr]
        super().cleanup()
