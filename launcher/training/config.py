"""What `tunewright train` can be asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launcher.export import check_format
from launcher.options import at_least, parse_settings
from launcher.tracking.tracking import Tracking
from models.encoders.config import EncoderConfig, check_kind, kinds_for
from models.train_settings import TrainSettings
from models.trainers.registry import trainer_name
from rllib_envs.errors import UserError
from rllib_envs.loop_nest.actions import choose_actions
from rllib_envs.names import choose
from rllib_envs.records import RecordStore
from rllib_envs.registry import PROBLEMS, make_problem
from rllib_envs.suite import Suite

DEFAULT_ITERATIONS = 20


@dataclass(frozen=True)
class TrainConfig:
    """Train a policy, evaluate it on held-out benchmarks, and write a run directory with a report."""

    dataset: str = ""
    """Suite of benchmarks: a name under datasets/ or the path of a folder."""
    problem: str = ""
    """The problem that the suite must be of, such as loop_nest. Empty: whatever it is of. Without --dataset it is the
    suite of the same name, where there is one."""
    trainer: str = "ppo"
    """Learning algorithm: ppo, appo, impala, dqn, r2d2, apex_dqn, self_improvement, or RLlib's spellings such as
    ppo.PPOTrainer."""
    trainer_settings: tuple[str, ...] = ()
    """Changes to the trainer's own settings, such as learning_rate=3e-4 epochs=4; a wrong name lists them."""
    encoder: str = ""
    """The network: mlp reads the entities in their order, transformer lets them attend to each other; for problems
    whose actions point at entities scorer, transformer, graph_attention or sinkhorn. Empty: the first of these."""
    encoder_width: int = EncoderConfig.width
    """Size of its hidden vectors."""
    encoder_layers: int = EncoderConfig.layers
    """Number of its hidden layers, or of attention blocks."""
    encoder_heads: int = EncoderConfig.heads
    """Attention heads of each block of a transformer; divides the width."""
    iter: int | None = None
    """Training iterations; 20 unless --minutes is given. With --resume, 0 evaluates what was trained."""
    minutes: float | None = None
    """Stop training after this time, if --iter does not come first."""
    steps: int = 0
    """Decisions in one episode; 0 for the problem's own number."""
    actions: str = ""
    """Loop nests: standard, looptune, full, or names such as up,down,split_16. Empty: the problem's own choice."""
    backend: str = ""
    """Loop nests: what compiles them (avx512, avx2 or llvm). Empty: the first of these that works here."""
    problem_settings: tuple[str, ...] = ()
    """Changes to the problem's own settings, such as max_tiles=80 look_ahead=false; a wrong name lists them."""
    size: int = 1_000_000
    """Use this many of the suite's benchmarks at most."""
    test_share: float = 0.2
    """Share of the benchmarks that training never sees; 0 to train on all of them, with --eval-size 0."""
    eval_size: int = 5
    """Held-out benchmarks to evaluate on; 0 for none."""
    eval_time: float = 1.0
    """Seconds that each method may spend on a benchmark."""
    env_runners: int = 0
    """Worker processes that play episodes; 0 plays in the trainer's own process."""
    envs_per_runner: int = 8
    """Environments that each of them steps together."""
    env_processes: bool = False
    """Each environment in a process of its own, stepped when it is ready; for environments that wait for something."""
    seed: int = 0
    """Of the split, the networks and the order of benchmarks."""
    runs: Path | None = None
    """Where the run directory is made; runs/ here, or under $LOOP_TOOL_ROOT where that is set."""
    run: Path | None = None
    """The run directory itself. Where it exists, the training goes on from its newest checkpoint, so that a command
    can be repeated until it is done."""
    records: Path | None = None
    """File of measured evaluations to use and extend, for runs that share one; records.jsonl of the run otherwise."""
    measure_doubtful: bool = False
    """Measure those again that --records says timed out, crashed or were disturbed."""
    wandb: str = ""
    """Mirror the run at Weights & Biases: online as it trains, offline for a later `tunewright sync`, or off. Empty:
    what $WANDB_MODE says, or else online where there is a key."""
    wandb_project: str = "tunewright"
    """Project there."""
    wandb_entity: str = ""
    """Whose project it is; empty for the account's own."""
    wandb_group: str = ""
    """Runs that belong together, such as a sweep's."""
    wandb_tags: tuple[str, ...] = ()
    """Words to find the run by."""
    save_minutes: float = 1.0
    """Time between two checkpoints."""
    print_every: int = 1
    """Iterations between two lines."""
    save_replay: bool = False
    """Keep replayed experience in checkpoints (dqn), so that --resume does not collect it anew."""
    resume: str = ""
    """Run directory or checkpoint to go on from. All other settings are then the run's own, unless they are given;
    --iter and --minutes count what was done before."""
    wandb_url: str = ""
    """The same for a run at Weights & Biases: entity/project/run_id, its page's address, or a checkpoint artifact."""
    fork: bool = False
    """Go on as another run, linked to the one that --resume names, which stays as it is."""
    resume_anyway: bool = False
    """Go on although settings or benchmarks differ that results depend on."""
    export: str = ""
    """Write the policy for other programs too, into its folder: onnx."""
    sweep: int = 0
    """Train this often with settings drawn from the trainer's search space, and list the results, best first."""
    config: Path | None = None
    """TOML file with these options and the tables [trainer_settings] and [encoder], or the name of a recipe, such as
    loop_nest; flags count over it."""
    debug: bool = False
    """Show the traceback of an error."""

    @property
    def iterations(self) -> float:
        if self.iter is not None:
            return self.iter
        return math.inf if self.minutes is not None else DEFAULT_ITERATIONS

    @property
    def seconds(self) -> float:
        return math.inf if self.minutes is None else 60 * self.minutes

    def settings(self, problem: str) -> TrainSettings:
        """What the training session is started with. Refuses options of another problem than this."""
        problem_config = parse_settings(self.problem_settings, "a problem, such as max_tiles=80")
        if self.actions:
            problem_config["actions"] = list(choose_actions(self.actions))
        if self.backend:
            problem_config["backend"] = self.backend
        made = make_problem(problem, problem_config)
        horizon, kinds = self.steps or made.horizon, kinds_for(made.spec.points)
        made.close()
        if self.encoder:
            check_kind(self.encoder, made.spec.points)
        env = {
            "problem": problem,
            "problem_config": problem_config,
            "suite": self.dataset,
            "size": self.size,
            "split": "train" if self.test_share else "all",
            "test_share": self.test_share,
            "split_seed": self.seed,
            "horizon": horizon,
        }
        return TrainSettings(
            trainer=self.trainer,
            env=env,
            env_runners=self.env_runners,
            envs_per_runner=self.envs_per_runner,
            env_processes=self.env_processes,
            seed=self.seed,
            records=str(self.records.absolute()) if self.records else None,
            measure_doubtful=self.measure_doubtful,
            save_replay=self.save_replay,
            encoder=EncoderConfig(
                self.encoder or kinds[0], self.encoder_width, self.encoder_layers, self.encoder_heads
            ),
            trainer_settings=parse_settings(self.trainer_settings, "a trainer, such as learning_rate=3e-4"),
        )

    def tracking(self) -> Tracking:
        """Whether and where the run is shown elsewhere."""
        return Tracking.decide(self.wandb, self.wandb_project, self.wandb_entity, self.wandb_group, self.wandb_tags)

    def to_json(self) -> dict[str, Any]:
        return {name: str(value) if isinstance(value, Path) else value for name, value in vars(self).items()}

    def __post_init__(self) -> None:
        """A problem's shipped suite has its name."""
        if self.problem in PROBLEMS and not self.dataset:
            object.__setattr__(self, "dataset", self.problem)

    def check(self) -> None:
        """Refuse what can't work before anything is started or written."""
        if self.problem:
            choose(self.problem, PROBLEMS, "problem")
        if not self.dataset:
            raise UserError("--dataset is missing: name a suite under datasets/ or give a folder of benchmarks")
        trainer_name(self.trainer)
        at_least(
            ("--iter", self.iterations, 0 if self.resume else 1),
            ("--steps", self.steps, 0),
            ("--size", self.size, 2 if self.test_share else 1),
            ("--eval_size", self.eval_size, 0),
            ("--env-runners", self.env_runners, 0),
            ("--envs-per-runner", self.envs_per_runner, 1),
            ("--sweep", self.sweep, 0),
            ("--save-minutes", self.save_minutes, 0),
            ("--print-every", self.print_every, 1),
        )
        if not self.seconds > 0 or not self.eval_time > 0:
            raise UserError(f"--minutes and --eval_time must be positive, got {self.minutes} and {self.eval_time}")
        if not self.test_share and self.eval_size:
            raise UserError("with --test-share 0 nothing is held out to evaluate on; give --eval-size 0, too")
        if self.fork and not self.resume:
            raise UserError("--fork needs a run to go on from; name one with --resume or --wandb_url")
        if self.run and (self.resume or self.sweep):
            raise UserError("--run is for one training from its start; leave out --resume and --sweep, or --run")
        if self.records:
            RecordStore(self.records)
        if self.export:
            check_format(self.export)


def load_suite(config: TrainConfig) -> Suite:
    """The whole suite; UserError when it is of another problem than the one asked for."""
    suite = Suite.load(config.dataset)
    if config.problem and config.problem != suite.problem:
        raise UserError(f"data set {suite.name} is of problem {suite.problem!r}, not {config.problem!r}")
    return suite
