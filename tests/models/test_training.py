"""Training end to end on the toy problem, whose optimum is known."""

from __future__ import annotations

import json
import math
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from models.checkpoint_policy import policy_of
from models.encoders.config import EncoderConfig
from models.policy import Policy
from models.store.manifest import Damaged
from models.train_settings import TrainSettings
from models.training import TrainingError, TrainingSession
from models.training_env import TrainingEnv
from rllib_envs.errors import UserError
from rllib_envs.policy_input import policy_input
from rllib_envs.records import read_records
from rllib_envs.toy import Toy
from rllib_envs.tuning_env import TuningEnv

SMALL = EncoderConfig(width=64)
QUICK: dict[str, dict[str, int]] = {
    "apex_dqn": {"iteration_steps": 256, "warm_up_steps": 100, "batch": 64},
    "appo": {"iteration_steps": 256},
    "dqn": {"iteration_steps": 256, "warm_up_steps": 100},
    "impala": {"iteration_steps": 256},
    "ppo": {"batch_steps": 256, "minibatch": 64},
    "r2d2": {"iteration_steps": 256, "warm_up_steps": 100},
}
MOST_ITERATIONS = 40
GOOD = 0.95
"""Raising the first dial, whatever it should be, is worth 0.91."""

pytestmark = pytest.mark.usefixtures("shared_ray")


def quick(trainer: str, env: dict[str, str], **changes) -> TrainSettings:
    """Iterations of a fifth of a second, for tests that need no learning."""
    return TrainSettings(trainer, env, encoder=SMALL, trainer_settings=QUICK[trainer], **changes)


def share_of_optimum(policy: Policy, env: dict[str, str]) -> float:
    """Greedy decoding's total over the best total that the horizon allows; every turn of a dial is worth the same."""
    tuning = TuningEnv.from_config(env)
    won = possible = 0.0
    for benchmark in tuning.benchmarks:
        inputs, _ = tuning.reset(options={"benchmark": benchmark.name})
        done, player = False, policy.start()
        while not done:
            inputs, reward, terminated, truncated, _ = tuning.step(player.act(inputs))
            won, done = won + reward, terminated or truncated
        targets = benchmark.spec["targets"]
        possible += min(sum(targets), tuning.horizon - len(targets) + 1) / (7 * len(targets))
    return won / possible


@pytest.mark.parametrize("trainer", sorted(QUICK))
def test_learns_the_toy(trainer, toy_env):
    with TrainingSession(TrainSettings(trainer, toy_env, seed=1, encoder=SMALL)) as session:
        best = 0.0
        while best < GOOD and session.iteration < MOST_ITERATIONS:
            session.step()
            best = max(best, share_of_optimum(session.policy(), toy_env))
    assert best >= GOOD


@pytest.mark.parametrize("trainer", sorted(QUICK))
def test_no_illegal_action_in_thousands_of_steps(trainer, toy_env):
    """The environment raises on the first; a horizon of 3 makes many ends, where masks may be empty."""
    with TrainingSession(quick(trainer, toy_env | {"horizon": 3})) as session:
        while session.counters.env_steps < 3000:
            progress = session.step()
    assert progress.episodes > 50
    assert progress.return_mean is not None and 0 <= progress.return_mean <= 1
    assert progress.losses and all(math.isfinite(loss) for loss in progress.losses.values())


@pytest.mark.parametrize(
    ("trainer", "size"), [("apex_dqn", {"iteration_steps": 8}), ("ppo", {"batch_steps": 8, "minibatch": 8})]
)
def test_iterations_may_be_too_short_for_an_episode(trainer, size, toy_env):
    settings = replace(quick(trainer, toy_env | {"horizon": 64}), trainer_settings=QUICK[trainer] | size)
    with TrainingSession(settings) as session:
        episodes = [session.step().episodes for _ in range(30)]
    assert 0 in episodes and any(episodes) and 0 in episodes[episodes.index(max(episodes)) :]


@pytest.mark.parametrize("trainer", sorted(QUICK))
def test_the_policy_decides_as_rllib_does(trainer, toy_env):
    import torch
    from ray.rllib.core.columns import Columns

    with TrainingSession(quick(trainer, toy_env)) as session:
        for _ in range(2):
            session.step()
        policy, module = session.policy(), session._algorithm.get_module()
        toy, rng = Toy(), np.random.default_rng(0)
        player, twin, remembered = policy.start(), policy.start(), {}
        state = toy.initial(session.suite.benchmarks[1])
        for step in range(10):
            inputs = policy_input(toy, state, 1 - step / 16)
            batch = {Columns.OBS: {name: torch.from_numpy(array)[None] for name, array in inputs.items()}}
            if policy.kind == "actor_critic":
                logits = module.forward_inference(batch)[Columns.ACTION_DIST_INPUTS]
                theirs = torch.log_softmax(logits, -1)[0].detach().numpy()
            else:
                output = module.compute_q_values(batch | remembered)
                theirs = output["qf_preds"][0].detach().numpy()
                remembered = {Columns.STATE_IN: output[Columns.STATE_OUT]} if policy.recurrent else {}
            legal = inputs["action_mask"] > 0
            np.testing.assert_allclose(player.scores(inputs)[legal], theirs[legal], atol=1e-5)
            assert twin.act(inputs) == np.where(legal, theirs, -np.inf).argmax()
            state = toy.apply(state, rng.choice(np.flatnonzero(legal[:3])))


@pytest.mark.parametrize("trainer", ["appo", "impala", "ppo", "r2d2"])
def test_the_same_seed_gives_the_same_training(trainer, toy_env):
    policies = []
    for _ in range(2):
        with TrainingSession(quick(trainer, toy_env, seed=5)) as session:
            session.step()
            policies.append(session.policy())
    for name, weights in policies[0].weights.items():
        np.testing.assert_array_equal(weights, policies[1].weights[name])


@pytest.mark.parametrize("trainer", sorted(QUICK))
def test_a_checkpoint_goes_on_where_it_was_saved(trainer, toy_env, tmp_path):
    import torch

    with TrainingSession(quick(trainer, toy_env)) as session:
        for _ in range(2):
            session.step()
        session.save(tmp_path / "checkpoint")
        counters, policy = session.counters, session.policy()
        state = _learner(session)
    assert policy_of(tmp_path / "checkpoint", toy_env).digest == policy.digest
    names = {path.name for path in (tmp_path / "checkpoint").iterdir()}
    assert names == {"checkpoint.json", "manifest.json"} | {
        f"{part}.safetensors" for part in ("learner", "random", "algorithm")
    }
    drawn = torch.rand(3), np.random.rand(3), random.random()
    with TrainingSession(quick(trainer, toy_env, envs_per_runner=3), tmp_path / "checkpoint") as session:
        again = torch.rand(3), np.random.rand(3), random.random()
        assert (drawn[0] == again[0]).all() and (drawn[1] == again[1]).all() and drawn[2] == again[2]
        assert session.counters == counters
        assert _learner(session).keys() == state.keys()
        for name, array in _learner(session).items():
            np.testing.assert_array_equal(array, state[name])
        acting = session._algorithm.get_module().get_state()
        for name, array in policy.weights.items():
            np.testing.assert_array_equal(acting[f"network.{name}"], array)
        progress = session.step()
    assert progress.iteration == 3
    assert progress.env_steps > counters.env_steps and progress.seconds > counters.seconds
    if policy.kind == "actor_critic":
        its = session.trainer
        at = its.entropy_start + (its.entropy_end - its.entropy_start) * progress.env_steps / its.entropy_steps
        assert progress.losses["curr_entropy_coeff"] == pytest.approx(at, rel=0.02), "the schedule starts over"


def _learner(session: TrainingSession) -> dict[str, np.ndarray]:
    from models.learner_state import read_learner

    return session._ask_learner(read_learner)


def test_a_foreign_or_damaged_checkpoint_is_refused(toy_env, tmp_path):
    with TrainingSession(quick("ppo", toy_env)) as session:
        fresh = session.save(tmp_path / "fresh")
        session.restore(fresh)
        with pytest.raises(UserError, match="does not exist"):
            session.restore(tmp_path / "nowhere")
    changes = {"learning_rate": 0.5}
    other = TrainSettings("ppo", toy_env, encoder=SMALL, trainer_settings=QUICK["ppo"] | changes)
    with pytest.raises(UserError, match=r"learning_rate was 0.001 and is now 0.5.*--resume-anyway"):
        TrainingSession(other, fresh).__enter__()
    with TrainingSession(other, fresh, anyway=True) as session:
        assert session._ask_learner(lambda learner: learner.get_optimizer().param_groups[0]["lr"]) == 0.5
    for settings, message in (
        (quick("dqn", toy_env), 'trainer was "ppo" and is now "dqn"'),
        (replace(other, encoder=EncoderConfig(width=32)), "network was"),
    ):
        with pytest.raises(UserError, match=message):
            TrainingSession(settings, fresh, anyway=True).__enter__()
    description = json.loads((fresh / "checkpoint.json").read_text())
    (fresh / "checkpoint.json").write_text(json.dumps(description | {"schema_version": 99}))
    with pytest.raises(UserError, match="schema version 99"):
        TrainingSession(quick("ppo", toy_env), fresh, anyway=True).__enter__()
    (fresh / "checkpoint.json").write_text(json.dumps(description | {"score": 5.0}))
    with pytest.raises(Damaged, match=r"checkpoint\.json"):
        TrainingSession(quick("ppo", toy_env), fresh, anyway=True).__enter__()


@pytest.mark.parametrize("trainer", ["dqn", "r2d2"])
def test_replayed_experience_goes_on_when_that_is_asked_for(trainer, toy_env, tmp_path):
    saved = {}
    for keep in (False, True):
        with TrainingSession(quick(trainer, toy_env, save_replay=keep)) as session:
            session.step()
            saved[keep] = session.save(tmp_path / str(keep))
            memory = session._algorithm._replay
            size, drawn = memory.size, memory.sample(8)
    for keep, expected in ((False, 0), (True, size)):
        with TrainingSession(quick(trainer, toy_env, save_replay=keep), saved[keep]) as session:
            memory = session._algorithm._replay
            assert memory.size == expected
    np.testing.assert_array_equal(memory.sample(8)["obs"]["tokens"], drawn["obs"]["tokens"])


def test_what_a_policy_comes_from_is_written_down(toy_env, tmp_path):
    with TrainingSession(quick("ppo", toy_env | {"horizon": 9})) as session:
        session.step()
        policy = Policy.load(session.policy().save(tmp_path / "policy"))
    assert policy.horizon == 9
    origin = policy.provenance
    assert origin["suite"] == "toy_suite" and len(origin["suite_hash"]) == 64
    assert origin["trainer"] == "ppo" and origin["iteration"] == 1 and origin["env_steps"] >= 256
    assert origin["versions"]["ray"].startswith("2.60")


def test_an_environment_that_raises_stops_training_with_its_reason(toy_env, monkeypatch):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("the dial came off")

    with TrainingSession(quick("ppo", toy_env)) as session:
        monkeypatch.setattr(Toy, "evaluate", broken)
        with pytest.raises(TrainingError, match="iteration 1 failed with ZeroDivisionError: the dial came off"):
            session.step()


def test_an_iteration_without_steps_is_an_error(toy_env, monkeypatch):
    with TrainingSession(quick("ppo", toy_env)) as session:
        calls = []
        monkeypatch.setattr(session._algorithm, "train", lambda: calls.append(0) or {"env_runners": {}})
        monkeypatch.setattr("models.iteration.PATIENCE_SECONDS", 1.2)
        with pytest.raises(TrainingError, match="neither an environment step nor an update"):
            session.step()
    assert len(calls) > 1, "there was no patience"


@pytest.mark.parametrize("trainer", ["appo", "impala"])
def test_an_iteration_that_only_played_reports_no_loss(trainer, toy_env):
    """Asynchronous trainers report when enough was played, whether a batch was full or not."""
    settings = TrainSettings(
        trainer, toy_env, encoder=SMALL, trainer_settings={"iteration_steps": 1, "batch_steps": 300}
    )
    with TrainingSession(settings) as session:
        reports = [session.step() for _ in range(7)]
    assert [bool(report.losses) for report in reports] == [False, False, True, False, False, True, False]
    assert all(math.isfinite(loss) for report in reports for loss in report.losses.values())
    assert all(later.env_steps > earlier.env_steps for earlier, later in pairwise(reports))


def test_asynchronous_learning_does_not_wait_for_ever_for_runners(toy_env, monkeypatch):
    monkeypatch.setattr("models.vtrace.algorithms.PATIENCE_SECONDS", 0.2)
    with TrainingSession(quick("impala", toy_env, env_runners=1)) as session:
        session.step()
        monkeypatch.setattr(session._algorithm.env_runner_group, "num_healthy_remote_workers", lambda: 0)
        with pytest.raises(TrainingError, match="no environment runner has been alive"):
            session.step()


def test_memory_learning_does_not_wait_for_ever_for_runners(toy_env, monkeypatch):
    monkeypatch.setattr("models.replay.dqn.synchronous_parallel_sample", lambda **_: ([], []))
    monkeypatch.setattr("models.replay.dqn.PATIENCE_SECONDS", 0.2)
    with TrainingSession(quick("dqn", toy_env)) as session, pytest.raises(TrainingError, match="no environment runner"):
        session.step()


@pytest.mark.parametrize("trainer", ["appo", "dqn"])
def test_a_runner_in_its_own_process_plays(trainer, toy_env, tmp_path):
    """Our packages are importable there, its episodes arrive here, and it measures nothing that was measured here."""
    path = tmp_path / "records.jsonl"
    here = TrainingEnv(toy_env | {"session": "here", "records": str(path)})
    for _ in range(12):
        here.reset()
        here.step(1)
    with TrainingSession(quick(trainer, toy_env, env_runners=1, records=str(path))) as session:
        progress = session.step()
    records = [record for _, record in read_records(path)]
    assert len(records) > 24 and len({(record.benchmark, record.solution) for record in records}) == len(records)
    assert progress.env_steps >= 256 and progress.episodes > 0 and progress.speedup_mean is not None


def test_every_environments_problem_is_closed(toy_env, monkeypatch):
    closed: list[Toy] = []
    monkeypatch.setattr(Toy, "close", lambda problem: closed.append(problem))
    with TrainingSession(quick("ppo", toy_env, envs_per_runner=3)) as session:
        session.step()
    assert len({id(problem) for problem in closed}) == 1 + 1, "the one that the environments share, and the session's"


def test_the_environments_of_a_session_use_its_records(toy_env, tmp_path):
    config = toy_env | {"records": str(tmp_path / "records.jsonl")}
    for session, misses in (("first", 2), ("second", 0)):
        envs = [TrainingEnv(config | {"session": session}) for _ in range(2)]
        for env in envs:
            env.reset(options={"benchmark": "toy3"})
            env.step(1)
        assert envs[0].unwrapped.evaluate.misses == misses


def test_the_horizon_is_an_end_for_the_learner(toy_env):
    env = TrainingEnv(toy_env | {"horizon": 2, "session": "test"})
    env.reset(seed=0)
    _, first, *_ = env.step(1)
    _, second, terminated, truncated, info = env.step(1)
    assert terminated and not truncated
    assert info["episode_return"] == pytest.approx(first + second)


def test_a_gpu_that_is_not_there_is_one_clear_error(toy_env, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(UserError, match="RLLIB_NUM_GPUS=0"), TrainingSession(quick("ppo", toy_env, gpus=1)):
        pass


def test_ray_is_left_running_for_its_owner(toy_env):
    import ray

    with TrainingSession(quick("ppo", toy_env)) as session:
        folder = Path(session._algorithm.logdir)
    assert ray.is_initialized() and not folder.exists()


@pytest.mark.parametrize("trainer", sorted(QUICK))
def test_no_interrupt_comes_into_a_change_of_the_weights(trainer, toy_env):
    settings = TrainSettings(trainer, toy_env, encoder=SMALL, trainer_settings=QUICK[trainer])
    with TrainingSession(settings) as session:
        (optimizer,) = session._algorithm.learner_group._learner._optimizer_parameters
        held = []
        change = optimizer.step

        def step(*arguments, **named):
            held.append(session.interrupts._depth > 0)
            return change(*arguments, **named)

        optimizer.step = step
        while not held:
            session.step()
    assert all(held)
