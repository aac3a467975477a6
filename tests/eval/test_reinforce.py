"""The rule of earlier work on network scaling: within its budget, by its seed, and it learns which steps gain."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from eval.budget import Budget
from eval.searches import reinforce as module
from eval.searches.reinforce import _Walker, reinforce
from eval.searches.run import run_search
from eval.trial import Trial
from rllib_envs.problem import Benchmark

DIALS = Benchmark("dials", "toy", {"targets": [6, 5, 3, 7]})


@pytest.fixture(autouse=True)
def fewer_updates(monkeypatch):
    monkeypatch.setattr(module, "UPDATES_A_ROUND", 3)


def test_the_budget_and_the_seed_are_kept(toy):
    before = torch.random.get_rng_state()
    first, same, other = (run_search(reinforce, toy, DIALS, Budget(evaluations=30), seed=seed) for seed in (1, 1, 2))
    assert first.evaluations == same.evaluations == 30
    assert first.best == same.best and first.best != other.best
    assert torch.equal(before, torch.random.get_rng_state())


def test_steps_that_gain_become_likelier(toy, monkeypatch):
    monkeypatch.setattr(module, "UPDATES_A_ROUND", 100)
    trial = Trial(toy, Benchmark("one", "toy", {"targets": [7]}), Budget(evaluations=1000))
    walker = _Walker(trial, np.random.default_rng(0))
    for _ in range(60):
        walker.step()
    for _ in range(3):
        walker.learnt_at = 0
        walker.learn()
    with torch.inference_mode():
        likely = torch.softmax(walker.network(torch.from_numpy(walker._features(trial.root))), 0)
    assert toy.actions[int(likely.argmax())] == "raise"


def test_exploration_is_halved_as_the_buffer_fills(toy, monkeypatch):
    monkeypatch.setattr(module, "EPSILON_HALVED_AT", 20)
    monkeypatch.setattr(module, "EPSILON_HALVED_EVERY", 10)
    walker = _Walker(Trial(toy, DIALS, Budget(evaluations=500)), np.random.default_rng(0))
    walker.threshold = 20
    while len(walker.buffer) <= 35:
        walker.step()
    assert walker.epsilon == 0.25
