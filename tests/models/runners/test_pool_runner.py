"""The runner: its episodes are what was played, whole or in fragments, and learners take them."""

from __future__ import annotations

import logging
import os
import signal

import numpy as np
import pytest

from models.encoders.config import EncoderConfig
from models.runners.env_factory import IN_PROCESSES, EnvConfig
from models.runners.outcomes import ENVS_LOST
from models.train_settings import TrainSettings
from models.training import TrainingError, TrainingSession
from rllib_envs.toy import Toy
from tests.models.runners.envs import Broken, Strict
from tests.models.test_training import share_of_optimum

pytestmark = pytest.mark.usefixtures("shared_ray")
BOTH = pytest.mark.parametrize("processes", [False, True], ids=["serial", "processes"])


@pytest.fixture
def make_runner():
    """A runner of `Strict` environments, or others, that acts at random among what is legal."""
    import torch
    from ray.rllib.algorithms.ppo import PPOConfig
    from ray.rllib.core.columns import Columns
    from ray.rllib.core.rl_module.rl_module import RLModuleSpec
    from ray.rllib.core.rl_module.torch import TorchRLModule

    from models.runners.pool_runner import PoolEnvRunner

    class Masked(TorchRLModule):
        def setup(self):
            self.nothing = torch.nn.Linear(1, 1)

        def _forward(self, batch, **kwargs):
            assert batch[Columns.OBS]["at"].dtype == torch.float32
            mask = batch[Columns.OBS]["action_mask"]
            return {Columns.ACTION_DIST_INPUTS: torch.zeros(mask.shape).masked_fill(mask < 1, -1e30)}

    runners = []

    def make(processes, env=Strict, length=7, count=3, module=Masked):
        logging.getLogger("ray.rllib").setLevel(logging.ERROR)
        config = PPOConfig().environment(env, env_config={"length": length, IN_PROCESSES: processes})
        config.env_runners(num_env_runners=0, num_envs_per_env_runner=count)
        config.rl_module(rl_module_spec=RLModuleSpec(module_class=module)).debugging(seed=4)
        runners.append(PoolEnvRunner(config=config, worker_index=0))
        return runners[-1]

    yield make
    for runner in runners:
        runner.stop()


@BOTH
def test_fragments_make_the_episodes_that_were_played(processes, make_runner):
    """Every episode, put together again, is what its environment plays when given the recorded actions."""
    runner = make_runner(processes)
    whole: dict[str, list] = {}
    for steps in (1, 5, 10, 2, 40, 9, 33):
        fragments = runner.sample(num_timesteps=steps)
        assert steps <= sum(map(len, fragments)) < steps + runner.num_envs
        for fragment in fragments:
            assert len(fragment) > 0 and not fragment.is_truncated
            whole.setdefault(fragment.id_, []).append(fragment)
    by_env = {index: [] for index in range(runner.num_envs)}
    for parts in whole.values():
        by_env[int(parts[0].get_observations(0)["at"][0])].append(parts)
    for index, episodes in by_env.items():
        env = Strict(EnvConfig({}, 0, index, 0))
        seed = 4 + index
        for parts in sorted(episodes, key=lambda parts: parts[0].get_observations(0)["at"][1]):
            observation, _ = env.reset(seed=seed)
            seed = None
            np.testing.assert_equal(parts[0].get_observations(0), observation)
            for part in parts:
                np.testing.assert_equal(part.get_observations(0), observation)
                for step, action in enumerate(part.get_actions()):
                    observation, reward, terminated, _, info = env.step(action)
                    np.testing.assert_equal(part.get_observations(step + 1), observation)
                    assert part.get_rewards(step) == np.float32(reward) or part.get_rewards(step) == reward
                    assert part.get_infos(step + 1)["steps"] == info["steps"]
                assert part.get_extra_model_outputs("action_logp").shape == (len(part),)
                assert part.get_extra_model_outputs("action_dist_inputs").shape == (len(part), 5)
            assert parts[-1].is_terminated == terminated and all(not part.is_done for part in parts[:-1])


@BOTH
def test_the_state_of_a_module_goes_on_with_its_episode(processes, make_runner):
    """Every action follows the number of steps that the module has counted, however the fragments are cut."""
    import torch
    from ray.rllib.core.columns import Columns
    from ray.rllib.core.rl_module.torch import TorchRLModule

    class Counting(TorchRLModule):
        def setup(self):
            self.nothing = torch.nn.Linear(1, 1)

        def get_initial_state(self):
            return {"steps": np.zeros(1, np.float32), "name": np.full(1, -1, np.float32)}

        def _forward(self, batch, **kwargs):
            state, at = batch[Columns.STATE_IN], batch[Columns.OBS]["at"]
            # The environment counts, too, and the state before its first step has no name.
            assert (state["steps"][:, 0] == at[:, 2]).all()
            assert (torch.where(at[:, 2] == 0, -1, at[:, 0]) == state["name"][:, 0]).all()
            actions = batch[Columns.OBS]["action_mask"].argmax(-1)
            return {Columns.ACTIONS: actions, Columns.STATE_OUT: {"steps": state["steps"] + 1, "name": at[:, :1]}}

    runner = make_runner(processes, module=Counting)
    episodes = [episode for steps in (1, 5, 10, 2, 40, 9, 33) for episode in runner.sample(num_timesteps=steps)]
    assert sum(episode.is_done for episode in episodes) > 6
    assert all(Columns.STATE_OUT not in episode.extra_model_outputs for episode in episodes)
    assert all(episode.is_done for episode in runner.sample(num_episodes=4, explore=False))


@BOTH
def test_thousands_of_steps_without_an_illegal_action(processes, make_runner):
    runner = make_runner(processes, length=3)
    assert sum(map(len, runner.sample(num_timesteps=3000))) >= 3000


@BOTH
def test_whole_episodes_on_request(processes, make_runner):
    episodes = make_runner(processes).sample(num_episodes=4, explore=False)
    assert len(episodes) >= 4 and all(episode.is_done and len(episode) == 7 for episode in episodes)


def test_the_same_seed_plays_the_same(make_runner):
    actions = []
    for _ in range(2):
        actions.append([list(episode.get_actions()) for episode in make_runner(False).sample(num_timesteps=50)])
    assert actions[0] == actions[1]


def test_the_exploration_of_each_row_is_asked_for(make_runner):
    asked = []
    runner = make_runner(False)
    runner.exploration = lambda indices: asked.append(indices) or {}
    runner.sample(num_timesteps=6)
    assert asked == [[0, 1, 2], [0, 1, 2]]


def test_the_episode_of_a_killed_environment_is_dropped_and_counted(make_runner):
    runner = make_runner(True)
    runner.sample(num_timesteps=30)
    os.kill(runner._pool.processes[1], signal.SIGKILL)
    episodes = runner.sample(num_timesteps=300)
    lost = runner.metrics.peek(ENVS_LOST)
    assert lost == 1
    assert {int(episode.get_observations(0)["at"][0]) for episode in episodes} == {0, 1, 2}


@BOTH
def test_what_an_environment_raises_ends_sampling(processes, make_runner):
    with pytest.raises(ZeroDivisionError, match="the dial came off"):
        make_runner(processes, Broken).sample(num_timesteps=100)


@pytest.mark.parametrize("trainer", ["ppo", "dqn"])
def test_learns_with_environments_in_processes(trainer, toy_env):
    settings = TrainSettings(trainer, toy_env, seed=1, encoder=EncoderConfig(width=64), env_processes=True)
    with TrainingSession(settings) as session:
        best = 0.0
        while best < 0.9 and session.iteration < 40:
            session.step()
            best = max(best, share_of_optimum(session.policy(), toy_env))
    assert best >= 0.9, f"{best:.2f} of the optimum after {session.counters.env_steps} steps"


def test_a_session_goes_on_when_an_environment_is_killed_and_ends_when_one_raises(toy_env, monkeypatch):
    settings = TrainSettings(
        "ppo", toy_env, env_processes=True, envs_per_runner=2, trainer_settings={"batch_steps": 256}
    )
    with TrainingSession(settings) as session:
        session.step()
        runner = session._algorithm.env_runner
        os.kill(runner._pool.processes[0], signal.SIGKILL)
        assert session.step().env_restarts == 1

    def broken(*_: object) -> None:
        raise ZeroDivisionError("the dial came off")

    with TrainingSession(TrainSettings("ppo", toy_env)) as session:
        monkeypatch.setattr(Toy, "evaluate", broken)
        with pytest.raises(TrainingError, match="ZeroDivisionError: the dial came off"):
            session.step()
