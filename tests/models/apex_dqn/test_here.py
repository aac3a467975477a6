"""Ape-X in one process: what it computes, against a direct computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns

from models.apex_dqn.env_runner import epsilon_ladder
from models.q_learner import td_target
from models.replay.transitions import Transitions
from tests.models.apex_dqn.conftest import small

MASKED = torch.finfo(torch.float32).min


def test_the_ladder_is_that_of_the_paper():
    np.testing.assert_allclose(epsilon_ladder(3, 0.4, 7.0), [0.4, 0.4**4.5, 0.4**8], rtol=1e-6)
    assert epsilon_ladder(1, 0.4, 7.0) == pytest.approx([0.4])


def values_of(algorithm, observations):
    module = algorithm.env_runner_group.local_env_runner.module
    with torch.no_grad():
        return module.compute_q_values({Columns.OBS: torch.as_tensor(observations)})["qf_preds"].numpy()


def test_first_priorities_are_the_td_errors_of_the_acting_network(build):
    algorithm = build(small(runners=0, n_step=3, gamma=0.9))
    runner = algorithm.env_runner_group.local_env_runner
    fragments = [runner.play_here(algorithm._weights) for _ in range(10)]
    assert sum(steps for steps, _ in fragments) >= 400
    made = Transitions.joined([transitions for _, transitions in fragments])
    assert 400 - 2 * 3 <= len(made) <= 420
    assert made.terminateds.any() and not made.terminateds.all()
    rows = np.arange(len(made))
    taken = values_of(algorithm, made.obs)[rows, made.actions]
    after = np.where(made.terminateds, 0, values_of(algorithm, made.new_obs).max(-1))
    np.testing.assert_allclose(made.priorities, abs(made.rewards + 0.9**made.n_step * after - taken), atol=1e-5)


def test_exploring_environments_explore_by_their_own_epsilon(build):
    config = small(runners=0, epsilon_base=1.0, epsilon_alpha=0.0)
    runner = build(config).env_runner_group.local_env_runner
    observations = {Columns.OBS: torch.rand(2000, 4)}
    greedy = runner.module.forward_inference(observations)[Columns.ACTIONS]
    epsilon = torch.cat([torch.zeros(1000), torch.ones(1000)])
    played = runner.module.forward_exploration(observations, epsilon=epsilon.numpy())
    assert (played[Columns.ACTIONS][:1000] == greedy[:1000]).all()
    assert 400 < (played[Columns.ACTIONS][1000:] == greedy[1000:]).sum() < 600
    values = values_of_module(runner.module, observations)
    rows = np.arange(2000)
    np.testing.assert_array_equal(played["q_taken"], values[rows, played[Columns.ACTIONS]])
    np.testing.assert_array_equal(played["q_best"], values.max(-1))


def values_of_module(module, batch):
    with torch.no_grad():
        return module.compute_q_values(batch)["qf_preds"].numpy()


def test_the_target_takes_the_online_networks_action_and_nothing_after_the_end():
    batch = {
        Columns.REWARDS: torch.tensor([1.0, 2.0, 3.0]),
        Columns.TERMINATEDS: torch.tensor([False, True, True]),
        "n_step": torch.tensor([2.0, 1.0, 1.0]),
    }
    online = torch.tensor([[5.0, 4.0], [0.0, 1.0], [MASKED, MASKED]], requires_grad=True)
    target = torch.tensor([[10.0, 20.0], [7.0, 8.0], [MASKED, MASKED]])
    values = {"qf_next_preds": online, "qf_target_next_preds": target}
    assert td_target(batch, values, 0.5, double=True).tolist() == [1 + 0.25 * 10, 2, 3]
    assert td_target(batch, values, 0.5, double=False).tolist() == [1 + 0.25 * 20, 2, 3]
    assert not td_target(batch, values, 0.5, double=True).requires_grad
    lost = values | {"qf_target_next_preds": target.fill_(float("nan"))}
    assert td_target(batch, lost, 0.5, double=True).isnan().tolist() == [True, False, False]


def trained(build, seed):
    algorithm = build(small(runners=0).debugging(seed=seed))
    for _ in range(3):
        result = algorithm.train()
    module = algorithm.learner_group._learner.module[DEFAULT_MODULE_ID].unwrapped()
    return result, {name: value.numpy().copy() for name, value in module.state_dict().items()}


def test_the_same_seed_gives_the_same_training(build):
    (first, weights), (_, again), (_, other) = (trained(build, seed) for seed in (1, 1, 2))
    assert first["apex_dqn"]["weights_version"] > 3
    for name, value in weights.items():
        np.testing.assert_array_equal(value, again[name])
    assert any((value != other[name]).any() for name, value in weights.items())


def test_updates_write_their_errors_back_as_priorities(build):
    algorithm = build(small(runners=0))
    algorithm.train()
    replay = algorithm._replay._replay
    drawn, columns = algorithm._replay.sample(64, 1)
    assert drawn.ready
    learner = algorithm.learner_group._learner
    module, before = learner.module[DEFAULT_MODULE_ID], replay._priorities.copy()
    tensors = {name: torch.tensor(column[:32]) for name, column in columns.items()}
    with torch.no_grad():
        output = module._forward_train(tensors)
    taken = output["qf_preds"].gather(-1, tensors["actions"][:, None]).squeeze(-1)
    errors = (taken - td_target(tensors, output, algorithm.config.gamma, double=True)).abs().numpy()
    algorithm.learner_group.update(batch=columns)
    # The second half was learnt from with weights that the first half had changed already.
    first = ~np.isin(columns["replay_rows"][:32], columns["replay_rows"][32:])
    rows = columns["replay_rows"][:32]
    np.testing.assert_allclose(replay._priorities[rows[first]], errors[first], rtol=1e-4, atol=1e-5)
    others = np.setdiff1d(np.arange(replay.size), columns["replay_rows"])
    np.testing.assert_array_equal(replay._priorities[others], before[others])


def test_the_replay_ratio_is_kept(build):
    algorithm = build(small(runners=0, training_intensity=2.0))
    for _ in range(3):
        result = algorithm.train()
    totals = algorithm._meter.totals
    assert totals.trained == 32 * totals.updates
    assert totals.trained <= 2.0 * (totals.env_steps - 200) < totals.trained + 64
    assert result["apex_dqn"]["learner_throttled_share"] > 0


def test_training_goes_on_from_its_state_with_the_replay(build):
    first = build(small(runners=0, store_buffer_in_checkpoints=True))
    for _ in range(2):
        first.train()
    state = first.training_state()
    assert all(isinstance(value, (int, float, np.ndarray)) for value in state.values())
    assert len(state["replay/obs"]) == len(state["replay/priorities"]) > 200
    second = build(small(runners=0, store_buffer_in_checkpoints=True))
    second.set_training_state(state)
    again = second.training_state()
    for name in state.keys() - {"weights_version"}:
        np.testing.assert_array_equal(again[name], state[name])
    assert again["weights_version"] > state["weights_version"], "runners must take the restored weights"
    assert second.train()["apex_dqn"]["replay_size"] > len(state["replay/obs"])


def test_a_divergence_is_an_error(build):
    algorithm = build(small(runners=0))
    algorithm.train()
    module = algorithm.learner_group._learner.module[DEFAULT_MODULE_ID].unwrapped()
    with torch.no_grad():
        next(iter(module.parameters())).fill_(float("nan"))
    with pytest.raises(Exception, match="no number"):
        algorithm.train()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"num_replay_shards": 0}, "num_replay_shards is 0"),
        ({"num_atoms": 51}, "num_atoms is 51"),
        ({"n_step": (2, 5)}, "n_step is"),
        ({"epsilon_base": 0.0}, "epsilon_base is 0.0"),
        ({"training_intensity": 0.0}, "training_intensity is 0.0"),
        ({"replay_buffer_config": {"capacity": 100}}, "would never start"),
        ({"grad_clip_by": "value", "grad_clip": 1.0}, "grad_clip_by is 'value'"),
    ],
)
def test_settings_that_can_not_work_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        small(runners=0, **setting).validate()
