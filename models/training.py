"""Training, one iteration at a time: the only place where RLlib's algorithms are built and stepped."""

from __future__ import annotations

import contextlib
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from models.algorithm_hooks import continue_from, steps_played, stop_algorithm
from models.checkpoint import Checkpoint, Counters
from models.continuation import changeable, check_continuation, identity
from models.episode_results import geometric_mean, log_episode, read_episodes
from models.garbage import no_collection
from models.interrupts import Interrupts
from models.iteration import OutOfMemory, TrainingError, next_result
from models.learner_state import (
    changes_held,
    check_learner,
    learner_shapes,
    read_acting_weights,
    read_learner,
    read_network,
    write_learner,
)
from models.local_ray import check_gpus, ray_running
from models.policy import Policy
from models.random_state import read_random_state, write_random_state
from models.runners.outcomes import ENVS_LOST
from models.store.versions import versions
from models.train_settings import TrainSettings
from models.trainers.registry import trainer_name
from models.validation import Validation
from rllib_envs.errors import MissingPackage
from rllib_envs.loop_nest.measured_on import processor_name
from rllib_envs.registry import make_problem
from rllib_envs.suite import Suite
from rllib_envs.torch_threads import torch_threads
from rllib_envs.tuning_env import TuningEnv

if TYPE_CHECKING:
    from ray.rllib.algorithms.algorithm_config import AlgorithmConfig

__all__ = ["OutOfMemory", "Progress", "TrainingError", "TrainingSession"]

SAMPLE_TIMEOUT_SECONDS = 600.0
"""Longest wait for one fragment of episodes. RLlib throws away what arrives later, so this allows 1000 evaluations of
half a second."""
STOP_SECONDS = 5.0
"""Given to the environment runners for closing their environments; then they are killed, whatever they are doing."""
RESTART_DELAY_SECONDS = 1.0
"""A runner that died is replaced after this long; RLlib's own default is a minute."""
PROBE_SECONDS = 5.0
"""How long an iteration waits for a sign of life from a runner that died."""

LOSSES = (
    "total_loss",
    "policy_loss",
    "vf_loss",
    "vf_explained_var",
    "entropy",
    "curr_entropy_coeff",
    "qf_loss",
    "qf_mean",
    "td_error_mean",
)
"""The figures worth a curve, by RLlib's names; each trainer has some of them."""


@dataclass(frozen=True)
class Progress:
    """What one iteration brought."""

    iteration: int
    """Counted from 1, through restarts."""
    env_steps: int
    """Environment steps so far."""
    seconds: float
    """Wall-clock time spent in iterations so far."""
    episodes: int
    """Episodes that ended in this iteration."""
    return_mean: float | None
    """Mean return of those episodes, in units of the benchmarks' scale; None when none ended."""
    speedup_mean: float | None
    """Geometric mean of their best value over their untuned value; None when there is no such ratio."""
    best_speedup: float | None
    """The largest such ratio of the whole training."""
    env_steps_per_second: float
    """Of this iteration, learning included."""
    runner_restarts: int
    """Environment runners replaced so far, because their process died or their environment raised."""
    env_restarts: int
    """Environments replaced so far in running environment runners, because their own process died."""
    losses: Mapping[str, float]
    """The learner's own figures, by RLlib's names; empty when nothing was learnt in this iteration."""
    figures: Mapping[str, float] = field(default_factory=dict)
    """How the parts of a distributed training get on with each other; empty for a trainer that has none."""
    greedy_return: float | None = None
    """Mean return of the policy's best actions, where `Validation` has looked at it."""


class TrainingSession:
    """Builds an algorithm, steps it, and hands out its policy. Use it as a context manager.

    Starts a Ray of its own unless one is initialised, and stops only what it started. With a `checkpoint` it goes on
    from there: UserError, before anything is started, when that is damaged or belongs to another training, and also
    when other settings differ that results depend on, unless `anyway`.
    """

    def __init__(
        self,
        settings: TrainSettings,
        checkpoint: str | Path | None = None,
        anyway: bool = False,
        interrupts: Interrupts | None = None,
    ) -> None:
        self.settings = settings
        self.interrupts = interrupts or Interrupts()
        self._checkpoint, self._anyway = checkpoint, anyway
        self._name = uuid4().hex
        self.trainer = settings.make_trainer()
        self.suite = Suite.load(settings.env["suite"])
        self.counters = Counters()
        self.score = 0.0
        """Mean return of the last iteration's episodes; rewards are never negative, so this is the least."""
        self._algorithm: Any = None

    @property
    def iteration(self) -> int:
        """Iterations done, through restarts."""
        return self.counters.iteration

    def __enter__(self) -> TrainingSession:
        try:
            with no_collection():
                import ray.rllib  # noqa: F401
                import torch  # noqa: F401
        except ImportError as error:
            raise MissingPackage(
                f"training needs Ray RLlib and PyTorch ({error}); pip install 'tunewright[train]'"
            ) from None
        settings = self.settings
        check_gpus(settings.gpus)
        with contextlib.ExitStack() as stack:
            self._problem = make_problem(settings.env["problem"], settings.env.get("problem_config"))
            stack.callback(self._problem.close)
            start = self._read(self._checkpoint, self._anyway) if self._checkpoint else None
            # Matrices this small are slower on several threads, and the environments want the other cores.
            stack.enter_context(torch_threads(1))
            learners = settings.gpus if settings.gpus > 1 else 0
            stack.enter_context(ray_running(settings.env_runners + learners, settings.gpus))
            self._algorithm = self._algorithm_config(start.counters.env_steps if start else 0).build_algo()
            # RLlib makes an empty folder for results in the home directory; ours go to the run directory.
            stack.callback(shutil.rmtree, self._algorithm.logdir, ignore_errors=True)
            stack.callback(self._stop)
            self._algorithm.keeps_replay = settings.save_replay
            changes_held(self._algorithm.learner_group, self.interrupts)
            if start:
                self._put_back(start)
            self._cleanup = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    def _stop(self) -> None:
        stop_algorithm(self._algorithm, patience=0.0 if self.interrupts.reason else STOP_SECONDS)

    def _algorithm_config(self, start: int) -> AlgorithmConfig:
        from ray.rllib.core.rl_module.rl_module import RLModuleSpec

        from models.rl_modules import module_config
        from models.runners.env_factory import IN_PROCESSES
        from models.runners.pool_runner import PoolEnvRunner
        from models.training_env import TrainingEnv

        settings = self.settings
        config = self.trainer.algorithm_config()
        module = RLModuleSpec(
            module_class=self.trainer.module_class(),
            model_config=module_config(self._problem.spec, settings.encoder),
        )
        return (
            config.environment(
                TrainingEnv,
                env_config={
                    **settings.env_config,
                    "session": self._name,
                    "start": start,
                    IN_PROCESSES: settings.env_processes,
                },
                disable_env_checking=True,
            )
            .env_runners(
                num_env_runners=settings.env_runners,
                num_envs_per_env_runner=settings.envs_per_runner,
                env_runner_cls=config.env_runner_cls or PoolEnvRunner,
                sample_timeout_s=SAMPLE_TIMEOUT_SECONDS,
            )
            .learners(
                # One GPU needs no learner process of its own.
                num_learners=settings.gpus if settings.gpus > 1 else 0,
                num_gpus_per_learner=min(settings.gpus, 1),
            )
            .rl_module(rl_module_spec=module)
            .fault_tolerance(
                restart_failed_env_runners=True,
                # An environment that raises breaks its contract; playing on in a new one would hide that.
                restart_failed_sub_environments=False,
                delay_between_env_runner_restarts_s=RESTART_DELAY_SECONDS,
                env_runner_health_probe_timeout_s=PROBE_SECONDS,
            )
            .callbacks(on_episode_end=log_episode)
            .debugging(seed=settings.seed, log_level="ERROR", log_sys_usage=False)
        )

    def step(self) -> Progress:
        """One iteration. Raises TrainingError when it failed, brought nothing, or left a loss that is no number.

        An interrupt ends it early and between two changes of the weights; what was played until then counts.
        """
        number, started = self.counters.iteration + 1, time.perf_counter()
        try:
            result = next_result(self._algorithm, number, self.counters.env_steps, self._name, self.interrupts)
        except KeyboardInterrupt:
            seconds = self.counters.seconds + time.perf_counter() - started
            self.counters = replace(self.counters, env_steps=self._steps_played(), seconds=seconds)
            raise
        seconds = time.perf_counter() - started
        played = result.get("env_runners", {})
        learnt = result.get("learners", {}).get("default_policy", {})
        # Nothing may have been learnt since the last report; RLlib then repeats every name, with NaN.
        updated = learnt.get("num_module_steps_trained", 0) > 0
        losses = {name: float(learnt[name]) for name in LOSSES if name in learnt} if updated else {}
        if bad := [name for name, value in losses.items() if not math.isfinite(value)]:
            raise TrainingError(
                f"iteration {number}: {', '.join(bad)} is no number any more; go back to the last checkpoint with a "
                f"smaller learning_rate than {self.trainer.learning_rate}"
            )
        returns, speedups = read_episodes(played)
        steps_before = self.counters.env_steps
        best = max((ratio for ratio in (*speedups, self.counters.best_speedup) if ratio is not None), default=None)
        self.counters = Counters(number, self._steps_played(), self.counters.seconds + seconds, best)
        self.score = sum(returns) / len(returns) if returns else self.score
        return Progress(
            **asdict(self.counters),
            episodes=len(returns),
            return_mean=sum(returns) / len(returns) if returns else None,
            speedup_mean=geometric_mean(speedups),
            env_steps_per_second=(self.counters.env_steps - steps_before) / seconds,
            runner_restarts=int(result.get("fault_tolerance", {}).get("num_remote_worker_restarts", 0)),
            env_restarts=int(played.get(ENVS_LOST, 0)),
            losses=losses,
            figures=result.get("apex_dqn", {}),
        )

    def _steps_played(self) -> int:
        """Environment steps so far, through restarts."""
        return max(steps_played(self._algorithm), self.counters.env_steps)

    def validation(self) -> Validation:
        """On benchmarks of this training, with its records."""
        from models.training_env import recording_cache

        config = self.settings.env_config
        return Validation(TuningEnv.from_config(config, recording_cache(self._problem, config)))

    def policy(self) -> Policy:
        """A copy of the present policy, independent of Ray and of this session."""
        settings, problem = self.settings, self._problem
        return Policy(
            kind=self.trainer.kind,
            problem=settings.env["problem"],
            problem_config=dict(problem.config),
            actions=tuple(problem.actions),
            spec=problem.spec,
            horizon=settings.env.get("horizon") or problem.horizon,
            encoder=settings.encoder,
            weights=self._ask_learner(read_network),
            provenance={
                "suite": self.suite.name,
                "suite_hash": self.suite.hash,
                "env": {name: str(value) if isinstance(value, Path) else value for name, value in settings.env.items()},
                "seed": settings.seed,
                "trainer": trainer_name(settings.trainer),
                "trainer_settings": asdict(self.trainer),
                **asdict(self.counters),
                "processor": processor_name(),
                "versions": versions(),
            },
        )

    def save(self, directory: str | Path) -> Path:
        """Write a checkpoint. Raises NotWritten when that is not possible; what was there before stays."""
        remembered = getattr(self._algorithm, "training_state", dict)
        with self.interrupts.held():
            checkpoint = Checkpoint(
                identity=identity(self.settings, self._problem),
                settings=changeable(self.settings, self.suite),
                counters=self.counters,
                score=self.score,
                learner=self._ask_learner(read_learner),
                random=read_random_state(),
                algorithm=remembered(),
            )
            return checkpoint.write(directory)

    def restore(self, directory: str | Path, anyway: bool = False) -> None:
        """Go on from a checkpoint of the same training. A session that is made with it also plays other episodes.

        Raises UserError when the checkpoint is damaged or belongs to another training, and unless `anyway` when
        settings differ that results depend on.
        """
        self._put_back(self._read(directory, anyway))

    def _read(self, directory: str | Path, anyway: bool) -> Checkpoint:
        checkpoint = Checkpoint.read(directory)
        recorded = {"identity": checkpoint.identity, "settings": checkpoint.settings}
        check_continuation(Path(directory), recorded, self.settings, self._problem, self.suite, anyway)
        return checkpoint

    def _put_back(self, checkpoint: Checkpoint) -> None:
        check_learner(checkpoint.learner, self._ask_learner(learner_shapes))
        arrays = dict(checkpoint.learner)
        for answer in self._algorithm.learner_group.foreach_learner(lambda learner: write_learner(learner, arrays)):
            answer.get()
        if checkpoint.algorithm:
            self._algorithm.set_training_state(checkpoint.algorithm)
        continue_from(self._algorithm, self._ask_learner(read_acting_weights), checkpoint.counters.env_steps)
        if checkpoint.settings.get("seed") == self.settings.seed:
            write_random_state(checkpoint.random)
        self.counters, self.score = checkpoint.counters, checkpoint.score

    def _ask_learner(self, question: Any) -> Any:
        """The first learner's answer; all learners hold the same state."""
        for answer in self._algorithm.learner_group.foreach_learner(question):
            return answer.get()
        raise TrainingError("no learner answers; start again from the last checkpoint")
