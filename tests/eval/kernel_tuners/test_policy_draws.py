"""A policy's genes, with which any tuner can begin."""

from __future__ import annotations

import numpy as np
import pytest

from eval.kernel_tuners.policy_draws import PolicyDraws
from eval.kernel_tuners.searchers import GeneSearcher, make_searcher
from models.encoders.config import EncoderConfig
from models.ga_dqn.tuner import GADQNTuner
from models.policy import Policy
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace, LocationKnob, TileKnob
from rllib_envs.kernel_tuning.module_task import ModuleTask
from rllib_envs.kernel_tuning.problem import KernelTuning
from rllib_envs.kernel_tuning.synthetic import TASKS
from rllib_envs.kernel_tuning.tuners.genetic import GeneticTuner
from rllib_envs.kernel_tuning.tuners.random_tuner import RandomTuner
from tests.models.toy_policies import untrained

TASK = ModuleTask("fused_matmul", "{}", ((4, 8), (8, 12), (4, 12)))
SPACE = next(task.space for task in TASKS if "dense" in task.name)
SMALL = GeneSpace(
    (TileKnob("tile", ((4, 1), (2, 2), (1, 4))), ChoiceKnob("unroll", (0, 16)), LocationKnob("at", (-1, 0, 1)))
)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return untrained("actor_critic", EncoderConfig("scorer", width=32), problem=KernelTuning())


def test_the_first_is_its_best_and_the_others_are_drawn(policy: Policy) -> None:
    draws, again = PolicyDraws(policy, TASK, SPACE), PolicyDraws(policy, TASK, SPACE)
    best = draws(np.random.default_rng(0))
    SPACE.check(best)
    assert best == again(np.random.default_rng(1)), "whatever the seed is"
    one, other = np.random.default_rng(2), np.random.default_rng(2)
    drawn = [draws(one) for _ in range(8)]
    assert drawn == [again(other) for _ in range(8)] and len(set(drawn)) > 1


def test_every_tuner_begins_with_them(policy: Policy) -> None:
    source = PolicyDraws(policy, TASK, SPACE)
    expected = RandomTuner(SPACE, 3, source).ask(8)
    assert expected[0] == PolicyDraws(policy, TASK, SPACE)(np.random.default_rng(0))
    for make in (GeneticTuner, lambda space, seed, draw: GADQNTuner(space, seed, 64, draw=draw)):
        assert make(SPACE, 3, draw=PolicyDraws(policy, TASK, SPACE)).ask(8) == expected
    assert RandomTuner(SPACE, 3).ask(8) != expected


def test_no_gene_comes_twice_and_in_the_end_all_have_come(policy: Policy) -> None:
    asked = RandomTuner(SMALL, 0, PolicyDraws(policy, TASK, SMALL)).ask(99)
    assert len(asked) == len(set(asked)) == SMALL.size


def test_kernels_of_a_network_share_the_policy(policy: Policy) -> None:
    other = ModuleTask("fused_add", "{}", ((4, 12), (4, 12), (4, 12)))
    spaces = {TASK: SPACE, other: SMALL}
    searcher = make_searcher("policy", spaces.__getitem__, 0, policy=policy)
    assert isinstance(searcher, GeneSearcher)
    for task, space in spaces.items():
        schedules = searcher.ask(task, 3, 16)
        assert schedules[0] == PolicyDraws(policy, task, space)(np.random.default_rng(0))


def test_what_can_not_be_is_said(policy: Policy) -> None:
    def spaces(task: object) -> GeneSpace:
        raise AssertionError("it is asked for no kernel")

    for name, given, said in (
        ("policy", None, "tuner 'policy' needs a policy for kernels"),
        ("tvm", policy, "tuner 'tvm' can't begin with a policy's schedules"),
        ("ga", untrained("q"), "a policy for toy can't tune kernels"),
    ):
        with pytest.raises(UserError, match=said):
            make_searcher(name, spaces, 0, policy=given)
    many = GeneSpace((ChoiceKnob("unroll", tuple(range(40))),))
    with pytest.raises(UserError, match=r"kernel fused_matmul .* has a decision among 40 options"):
        PolicyDraws(policy, TASK, many)
