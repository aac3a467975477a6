"""Of a training's policies the one is kept whose best actions gain most, in a bounded share of the time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from launcher.training import learning
from launcher.training.config import TrainConfig
from models import validation
from models.policy import Policy
from models.store.run_directory import RunDirectory
from models.training import TrainingSession
from models.validation import RETURN, Validation
from rllib_envs.problem import Benchmark
from rllib_envs.toy import Toy
from rllib_envs.tuning_env import TuningEnv
from tests.models.toy_policies import untrained


class Raising(Policy):
    """Raises the first dial as far as it goes, or with `good` as far as it should, and then stops."""

    def start(self):
        return self

    def act(self, inputs, rng=None):
        position, target = inputs["tokens"][0, :2]
        more = target > position if self.provenance["good"] else False
        return Toy.actions.index("raise" if more else "stop")


def policy(good: bool) -> Raising:
    made = untrained("q")
    fields = {name: getattr(made, name) for name in made.__dataclass_fields__}
    return Raising(**{**fields, "provenance": {"good": good}})


@pytest.fixture
def env(toy_env) -> TuningEnv:
    return TuningEnv.from_config(toy_env)


def test_the_best_is_kept_and_of_equals_the_last(env):
    looked = Validation(env)
    assert looked.best is None
    first, second = policy(True), policy(True)
    assert looked.look(policy(False)) == 0
    best = looked.look(first)
    assert best is not None and 0.3 < best < 1 and looked.look(policy(False)) == 0
    assert looked.best is not None and looked.best.weights is first.weights and looked.best_return == best
    assert looked.look(second) == best
    assert looked.best.weights is second.weights and looked.best.provenance[RETURN] == best


@pytest.mark.parametrize("count", [30, 60, 250, 600])
def test_benchmarks_of_every_kind_are_looked_at(count):
    """Names come in the order of the alphabet, so kinds take turns."""
    names = [f"graph{index // 3:03}_{('small', 'medium', 'large')[index % 3]}" for index in range(count)]
    env = TuningEnv(Toy(), [Benchmark(name, "toy", {"targets": [1]}) for name in names])
    looked = [name.split("_")[1] for name in Validation(env)._names]
    assert len(looked) == min(count, validation.BENCHMARKS) and len(set(looked)) == 3
    assert max(looked.count(kind) for kind in looked) < 2.5 * min(looked.count(kind) for kind in looked)


def test_what_was_best_before_a_restart_is_remembered(env):
    looked = Validation(env)
    looked.remember(policy(True))
    assert looked.best is None, "nobody knows what it is worth"
    looked.remember(replace(policy(True), provenance={"good": True, RETURN: 0.9}))
    looked.look(policy(True))
    assert looked.best is not None and looked.best_return == 0.9


def test_looks_are_broken_off_and_get_further_later(env, monkeypatch):
    """An evaluation takes a second and the training has just begun; what is known takes no time."""
    now = [0.0]
    evaluate = Toy.evaluate

    def slow(toy, state):
        now[0] += 1.0
        return evaluate(toy, state)

    monkeypatch.setattr(Toy, "evaluate", slow)
    looked = Validation(env, clock=lambda: now[0])
    found = [looked.look(policy(True)) for _ in range(len(env.benchmarks))]
    assert found[0] is None and found[-1] is not None
    assert found == sorted(found, key=lambda each: each is not None)


def test_looks_take_a_bounded_share_of_the_time(env):
    now = [0.0]
    looked = Validation(env, clock=lambda: now[0])
    assert not looked.due
    now[0] = validation.PAUSE_SECONDS
    assert looked.due
    looked._spent = 1.0
    assert not looked.due
    now[0] = 1.0 / validation.SHARE
    assert looked.due


@pytest.mark.usefixtures("shared_ray")
def test_training_hands_out_the_best(toy_suite, tmp_path, monkeypatch):
    monkeypatch.setattr(validation, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(validation, "SHARE", 1.0)
    run = RunDirectory.create(tmp_path, "toy", {})
    config = TrainConfig(dataset=str(toy_suite), iter=6, save_minutes=1e9)
    with TrainingSession(config.settings("toy")) as session:
        asked = []

        def by_turns():
            """The third one is good; the others stop at once."""
            asked.append(len(asked))
            return replace(policy(asked[-1] == 2), provenance={"good": asked[-1] == 2, "number": asked[-1]})

        monkeypatch.setattr(session, "policy", by_turns)
        handed_out = learning.learn(config, session, run)
    assert len(asked) == 7 and handed_out.provenance["number"] == 2
    assert Policy.load(run.path).provenance == handed_out.provenance
    returns = [row["greedy_return"] for row in run.metrics()]
    assert returns[2] > 0.3 and [*returns[:2], *returns[3:]] == [0, 0, 0, 0, 0]
