"""No trainer ever takes, prefers or learns from an illegal action."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from ray.rllib.core import DEFAULT_MODULE_ID
from ray.rllib.core.columns import Columns
from ray.rllib.evaluation.postprocessing import Postprocessing

from models.encoders.config import EncoderConfig
from models.networks import MASKED
from models.train_settings import TrainSettings
from models.trainers.registry import TRAINERS
from models.training import TrainingError, TrainingSession
from rllib_envs import registry
from rllib_envs.problem import Benchmark
from rllib_envs.tuning_env import TuningEnv
from tests.models.sparse_masks import ACTIONS, SparseMasks

STEPS = 100_000
CHEAP = {
    "epochs": 1,
    "replay_ratio": 0.5,
    "iteration_steps": 10_000,
    "batch_steps": 4096,
    "minibatch": 1024,
    "episodes": 2,
}
"""Settings under which playing takes longer than learning; each trainer has some of them."""
ALWAYS_ILLEGAL = 5

ACTOR_CRITICS = sorted(name for name, trainer in TRAINERS.items() if trainer.kind == "actor_critic")
Q_LEARNERS = sorted(name for name, trainer in TRAINERS.items() if trainer.kind != "actor_critic")

pytestmark = pytest.mark.usefixtures("shared_ray")


@pytest.fixture
def masks_env(tmp_path, monkeypatch):
    monkeypatch.setitem(registry.PROBLEMS, "sparse_masks", lambda: SparseMasks)
    folder = tmp_path / "masks"
    folder.mkdir()
    for number in range(5):
        benchmark = Benchmark(f"masks{number}", "sparse_masks", {"number": number})
        (folder / f"{benchmark.name}.json").write_text(benchmark.to_json())
    return {"problem": "sparse_masks", "suite": str(folder)}


def cheap(trainer: str, env: dict[str, str]) -> TrainSettings:
    known = {field.name for field in fields(TRAINERS[trainer])}
    changes = {name: value for name, value in CHEAP.items() if name in known}
    encoder = EncoderConfig(width=8, layers=1)
    return TrainSettings(trainer, env, envs_per_runner=64, encoder=encoder, trainer_settings=changes)


def test_the_problem_is_all_mask(masks_env):
    env, rng = TuningEnv.from_config(masks_env), np.random.default_rng(0)
    legal = []
    for _ in range(100):
        inputs, _ = env.reset()
        while inputs["action_mask"].any():
            legal.append(inputs["action_mask"].sum())
            inputs, *_ = env.step(rng.choice(np.flatnonzero(inputs["action_mask"])))
    assert np.mean(np.array(legal) == 1) > 0.2 and max(legal) <= 4


@pytest.mark.slow
@pytest.mark.parametrize("trainer", sorted(TRAINERS))
def test_no_illegal_action_in_a_hundred_thousand_steps(trainer, masks_env):
    """The environment raises on the first, which ends training."""
    with TrainingSession(cheap(trainer, masks_env)) as session:
        episodes = 0
        while session.counters.env_steps < STEPS:
            episodes += session.step().episodes
    assert episodes > STEPS / 20


@pytest.mark.parametrize("trainer", sorted(TRAINERS))
def test_without_masks_the_first_illegal_action_ends_training(trainer, masks_env, monkeypatch):
    monkeypatch.setattr("models.networks.mask_scores", lambda scores, inputs: scores)
    with TrainingSession(cheap(trainer, masks_env)) as session, pytest.raises(TrainingError, match="IllegalAction"):
        session.step()


def observations(rng: np.random.Generator, rows: int) -> dict[str, torch.Tensor]:
    """Random inputs of the network; one action is legal in none, and the last row has no legal action at all."""
    mask = rng.random((rows, ACTIONS)) < 0.3
    mask[np.arange(rows), rng.integers(6, ACTIONS, rows)] = True
    mask[:, ALWAYS_ILLEGAL] = False
    mask[-1] = False
    return {
        "tokens": torch.tensor(rng.normal(size=(rows, 1, 2)), dtype=torch.float32),
        "token_mask": torch.ones(rows, 1, dtype=torch.int8),
        "globals": torch.tensor(rng.normal(size=(rows, 2)), dtype=torch.float32),
        "action_mask": torch.tensor(mask, dtype=torch.int8),
    }


def played(rng: np.random.Generator, rows: int) -> dict[str, object]:
    """A training batch of two stretches, the second with the state without legal actions at its end."""
    obs = observations(rng, rows)
    legal = obs["action_mask"].numpy().astype(float)
    legal[-1] = 1.0
    actions = [rng.choice(ACTIONS, p=row / row.sum()) for row in legal]
    mask = torch.ones(rows, dtype=torch.bool)
    mask[rows // 2] = mask[-1] = False
    ended = torch.zeros(rows)
    ended[-2] = 1.0
    return {
        Columns.OBS: obs,
        Columns.ACTIONS: torch.tensor(actions),
        Columns.ACTION_LOGP: torch.tensor(np.log(rng.uniform(0.2, 0.9, rows)), dtype=torch.float32),
        Columns.ACTION_DIST_INPUTS: torch.zeros(rows, ACTIONS),
        Columns.REWARDS: torch.tensor(rng.uniform(0, 1, rows), dtype=torch.float32),
        Columns.TERMINATEDS: ended,
        Columns.LOSS_MASK: mask,
        Postprocessing.ADVANTAGES: torch.tensor(rng.normal(size=rows), dtype=torch.float32),
        Postprocessing.VALUE_TARGETS: torch.tensor(rng.normal(size=rows), dtype=torch.float32),
    }


def loss_of(session: TrainingSession, batch: dict[str, object]) -> torch.Tensor:
    learner = session._algorithm.learner_group._learner
    fwd_out = learner.module[DEFAULT_MODULE_ID].unwrapped().forward_train(batch)
    config = learner.config.get_config_for_module(DEFAULT_MODULE_ID)
    return learner.compute_loss_for_module(module_id=DEFAULT_MODULE_ID, config=config, batch=batch, fwd_out=fwd_out)


@pytest.mark.parametrize("trainer", ACTOR_CRITICS)
def test_illegal_actions_have_no_probability_entropy_or_gradient(trainer, masks_env):
    batch = played(np.random.default_rng(0), 40)
    with TrainingSession(cheap(trainer, masks_env)) as session:
        module = session._algorithm.learner_group._learner.module[DEFAULT_MODULE_ID].unwrapped()
        learnt = getattr(module, "_learnt", module.network)
        # A strong preference for what is illegal would show in anything that lets it through.
        learnt.actor.bias.data[ALWAYS_ILLEGAL] = 50.0
        logits = module.forward_train(batch)[Columns.ACTION_DIST_INPUTS]
        policy = module.get_train_action_dist_cls().from_logits(logits)
        loss = loss_of(session, batch)
        loss.backward()
        gradient = learnt.actor.bias.grad
    legal = batch[Columns.OBS]["action_mask"].bool()[:-1]
    probabilities = torch.softmax(logits, -1)[:-1]
    assert (probabilities[~legal] == 0).all() and (logits[:-1][~legal] == MASKED).all()
    alone = [torch.distributions.Categorical(logits=row[mask]) for row, mask in zip(logits, legal, strict=False)]
    torch.testing.assert_close(policy.entropy()[:-1], torch.stack([one.entropy() for one in alone]))
    assert torch.isfinite(loss)
    assert gradient[ALWAYS_ILLEGAL] == 0 and gradient.abs().sum() > 0


@pytest.mark.parametrize("trainer", Q_LEARNERS)
def test_no_maximum_selects_an_illegal_action(trainer, masks_env):
    obs = observations(np.random.default_rng(0), 200)
    with TrainingSession(cheap(trainer, masks_env)) as session:
        module = session._algorithm.learner_group._learner.module[DEFAULT_MODULE_ID].unwrapped()
        for network in (module.network, module._target_network):
            network.advantage.bias.data[ALWAYS_ILLEGAL] = 50.0
        batch = {Columns.OBS: obs}
        scores = [module.compute_q_values(batch)["qf_preds"], module.forward_target(batch)["qf_preds"]]
        taken = [module.forward_inference(batch), module.forward_exploration(batch, t=0)]
    legal = obs["action_mask"].bool()[:-1]
    for actions in (*(each.argmax(-1) for each in scores), *(each[Columns.ACTIONS] for each in taken)):
        assert legal.gather(1, actions[:-1, None]).all()
    assert all((each[:-1].max(-1).values < 10.0).all() for each in scores)


@pytest.mark.parametrize("trainer", ["impala", "appo"])
def test_the_loss_is_the_paper_s(trainer, masks_env):
    """Of V-trace's advantages, standardised over what was played; V-trace itself has a test of its own."""
    from models.vtrace.targets import v_trace

    batch = played(np.random.default_rng(1), 40)
    mask = batch[Columns.LOSS_MASK]
    with TrainingSession(cheap(trainer, masks_env)) as session:
        settings = session.trainer
        module = session._algorithm.learner_group._learner.module[DEFAULT_MODULE_ID].unwrapped()
        with torch.no_grad():
            if trainer == "appo":
                # The target lags behind.
                for weight in module.network.actor.parameters():
                    weight += 0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
            loss = loss_of(session, batch)
            logs = torch.log_softmax(module.network.logits(batch[Columns.OBS]), -1)
            target = module._target_network if trainer == "appo" else module.network
            actions = batch[Columns.ACTIONS][:, None]
            log_target = torch.log_softmax(target.logits(batch[Columns.OBS]), -1).gather(1, actions)[:, 0]
            values = module.network.value(batch[Columns.OBS])
    log_now, log_before = logs.gather(1, actions)[:, 0], batch[Columns.ACTION_LOGP]
    discounts = settings.discount * (1 - batch[Columns.TERMINATEDS])
    targets, advantages = v_trace(
        (log_target - log_before).exp(), discounts, batch[Columns.REWARDS], values, mask, settings.ratio_bound
    )
    advantages = ((advantages - advantages[mask].mean()) / advantages[mask].std(unbiased=False))[mask]
    if trainer == "appo":
        ratio = ((log_before - log_target).exp().clamp(max=2) * (log_now - log_before).exp())[mask]
        gain = torch.minimum(advantages * ratio, advantages * ratio.clamp(1 - settings.clip, 1 + settings.clip))
    else:
        gain = advantages * log_now[mask]
    entropy = -(logs.exp() * logs).sum(-1)[mask]
    expected = -gain.mean() + 0.25 * (values - targets)[mask].square().mean() - settings.entropy_start * entropy.mean()
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-4)
