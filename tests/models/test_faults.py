"""What breaks while training: it goes on, or ends with one named error and what was saved before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models.checkpoint import Checkpoint
from models.encoders.config import EncoderConfig
from models.train_settings import TrainSettings
from models.training import TrainingError, TrainingSession
from rllib_envs.problem import Benchmark
from tests.conftest import ROOT

QUICK = {"ppo": {"batch_steps": 128, "minibatch": 64}, "dqn": {"iteration_steps": 128, "warm_up_steps": 100}}
KILLS = {"ppo": 5, "dqn": 2}
ITERATIONS_UNTIL_BACK = 5

pytestmark = pytest.mark.usefixtures("shared_ray")


def quick(trainer: str, env: dict[str, str], **changes) -> TrainSettings:
    return TrainSettings(trainer, env, encoder=EncoderConfig(width=32), trainer_settings=QUICK[trainer], **changes)


def runner_processes(session: TrainingSession) -> set[int]:
    """Of those environment runners that RLlib takes to be healthy, by asking them."""
    group = session._algorithm.env_runner_group
    return set(group.foreach_env_runner(lambda runner: os.getpid(), local_env_runner=False, timeout_seconds=60))


@pytest.mark.slow
@pytest.mark.parametrize("trainer", KILLS)
def test_killed_runners_come_back(trainer, toy_env):
    # As long as PPO's iterations took before its runners acted in NumPy: a runner takes as long as ever to start.
    settings = {"ppo": {"batch_steps": 8192}, "dqn": {"iteration_steps": 1024}}[trainer]
    with TrainingSession(TrainSettings(trainer, toy_env, env_runners=2, trainer_settings=settings)) as session:
        before = session.step()
        for kill in range(KILLS[trainer]):
            victim = sorted(runner_processes(session))[kill % 2]
            os.kill(victim, signal.SIGKILL)
            for _ in range(ITERATIONS_UNTIL_BACK):
                now = session.step()
                assert now.iteration == before.iteration + 1 and now.env_steps > before.env_steps
                assert now.seconds > before.seconds
                before = now
                alive = runner_processes(session)
                if len(alive) == 2 and victim not in alive:
                    break
            assert len(alive) == 2 and victim not in alive, f"kill {kill}: {alive}"
        assert now.runner_restarts >= KILLS[trainer]


@pytest.fixture
def treacherous_env(toy_suite: Path) -> dict[str, str]:
    """One of its thirteen benchmarks makes the environment raise when it is drawn."""
    (toy_suite / "bad.json").write_text(Benchmark("bad", "toy", {"targets": [99]}).to_json())
    return {"problem": "toy", "suite": str(toy_suite)}


@pytest.mark.parametrize("runners", [0, 1])
def test_what_an_environment_raises_ends_training_with_its_words(runners, treacherous_env, tmp_path):
    with TrainingSession(quick("ppo", treacherous_env, env_runners=runners)) as session:
        saved = session.save(tmp_path / "before")
        with pytest.raises(TrainingError, match="'bad' has a target outside 0"):
            for _ in range(20):
                session.step()
    assert Checkpoint.read(saved).counters.iteration == 0


OUT_OF_MEMORY = """
import resource, sys
from pathlib import Path
from models.encoders.config import EncoderConfig
from models.train_settings import TrainSettings
from models.training import OutOfMemory, TrainingSession

settings = TrainSettings("dqn", {"problem": "toy", "suite": sys.argv[1]}, encoder=EncoderConfig(width=64),
    trainer_settings={"batch": 2_000_000, "replay_ratio": 1e6, "warm_up_steps": 64, "iteration_steps": 1000})
with TrainingSession(settings) as session:
    session.save(sys.argv[2])
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 30), resource.RLIM_INFINITY))
    try:
        session.step()
    except OutOfMemory as error:
        print(error)
"""


def test_a_learner_without_memory_is_a_named_error(toy_suite, tmp_path):
    """The batch fits into the gigabyte that it may still take; what the network makes of it does not."""
    saved = tmp_path / "before"
    command = [sys.executable, "-c", OUT_OF_MEMORY, str(toy_suite), str(saved)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert "ran out of memory" in run.stdout and "smaller batch" in run.stdout, run.stderr
    assert Checkpoint.read(saved).counters.iteration == 0
