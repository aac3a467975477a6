"""What searches make of a policy: follow it, sample from it, let it guide a beam."""

from __future__ import annotations

import numpy as np
import pytest

from eval.budget import Budget
from eval.searches import make_search
from eval.searches.policy_sampled import Unplayed
from eval.searches.policy_tree import PolicyTree
from eval.searches.run import run_search
from eval.trial import Trial
from rllib_envs.problem import STOP, Benchmark
from rllib_envs.toy import Toy
from tests.eval.fake_clock import FakeClock
from tests.eval.problems import TASK, FixedPolicy, Map
from tests.models.toy_policies import untrained

PLENTY = Budget(evaluations=2000)


def task(*targets: int) -> Benchmark:
    return Benchmark("task", "toy", {"targets": list(targets)})


def actions_of(problem, outcome):
    return [problem.actions[action] for action in outcome.best.actions]


def test_the_policy_is_followed_once_and_its_best_state_is_the_answer(toy, policy):
    outcome = run_search(make_search("policy", policy), toy, task(2, 3), PLENTY)
    assert actions_of(toy, outcome) == ["raise"] * 2 + ["next"] + ["raise"] * 3
    assert outcome.evaluations == 6, "the untuned state and five turns; moving the hand evaluates nothing new"


def test_a_policy_that_spoils_its_work_is_judged_by_its_best_state(toy):
    only_raises = FixedPolicy([0.01, 1.0, 0.01, 0.1])
    assert run_search(make_search("policy", only_raises), toy, task(3), PLENTY).claimed.value == 1.0


def test_the_policy_sees_the_share_of_steps_that_is_left(toy):
    seen = []

    class Watching:
        def start(self):
            return self

        def act(self, inputs, rng=None):
            seen.append(float(inputs["globals"][-1]))
            return int(np.flatnonzero(inputs["action_mask"])[0])

    run_search(make_search("policy", Watching()), toy, task(3, 3), PLENTY, horizon=4)
    assert seen == [1.0, 0.75, 0.5, 0.25]


def test_sampling_uses_the_whole_budget_and_starts_with_the_greedy_answer(toy, policy):
    outcome = run_search(make_search("policy_sampled", policy), toy, task(7, 7, 7, 7), Budget(evaluations=100))
    greedy = run_search(make_search("policy", policy), toy, task(7, 7, 7, 7), PLENTY)
    assert outcome.evaluations == 100
    assert [point.value for point in outcome.curve[: len(greedy.curve)]] == [point.value for point in greedy.curve]


@pytest.mark.parametrize("method", ["policy_beam", "policy_sampled"])
def test_a_policy_that_decides_slowly_keeps_to_its_seconds_and_measures_within_them(toy, method):
    clock = FakeClock()

    class Slow(FixedPolicy):
        def probabilities(self, inputs, memories):
            clock.now += 0.01 * len(inputs)
            return super().probabilities(inputs, memories)

    policy, dials = Slow([float(action != STOP) for action in toy.actions]), task(7, 7, 7, 7)
    outcome = run_search(make_search(method, policy), toy, dials, Budget(seconds=1.0), horizon=20, clock=clock)
    alone = run_search(make_search("policy", policy), toy, dials, PLENTY, horizon=20)
    assert clock.now < 1.0 + 0.01 * 64 + 0.2, "at most one more pass, and what the policy alone takes"
    assert outcome.evaluations > 2 * alone.evaluations


FORKS = {"": 0.0, "a": 1.0, "b": 1.0, "a a": 2.0, "a b": 3.0, "b a": 4.0, "b b": 5.0}


@pytest.mark.parametrize("sure", [0.5, 0.999999, 1 - 1e-15])
def test_sampling_plays_each_episode_once_and_ends_when_all_are_played(sure):
    problem = Map(FORKS)
    outcome = run_search(make_search("policy_sampled", FixedPolicy([sure, 1 - sure])), problem, TASK, PLENTY)
    assert outcome.evaluations == len(FORKS) and outcome.claimed.value == 5.0


def test_sampling_follows_the_probabilities():
    """Each of four episodes is the first one that is drawn as often as the policy plays it."""
    problem, policy = Map(FORKS), FixedPolicy([0.7, 0.3])
    firsts = []
    for seed in range(400):
        unplayed = Unplayed(PolicyTree(policy, Trial(problem, TASK, PLENTY)))
        ((_, first), (_, second)) = unplayed.episodes(1, np.random.default_rng(seed))[0]
        firsts.append((first, second))
    for first, second in ((0, 0), (0, 1), (1, 0), (1, 1)):
        expected = (0.7, 0.3)[first] * (0.7, 0.3)[second]
        assert firsts.count((first, second)) / 400 == pytest.approx(expected, abs=0.07)


def test_a_beam_finds_what_the_policy_finds_and_gets_past_its_mistakes():
    """The likeliest way ends at 3; the second likeliest at one place leads on to 9, past a state that looks bad."""
    ways = {"": 1.0, "a": 2.0, "a a": 3.0, "a a a": 0.5, "a b": 0.0, "a b a": 9.0, "b": 1.5, "b a": 1.6, "b b": 1.7}
    problem, policy = Map(ways), FixedPolicy([0.8, 0.2])
    alone = run_search(make_search("policy", policy), problem, TASK, PLENTY)
    assert actions_of(problem, alone) == ["a", "a"]
    guided = run_search(make_search("policy_beam", policy), problem, TASK, PLENTY)
    assert actions_of(problem, guided) == ["a", "b", "a"]
    first = run_search(make_search("policy_beam", policy), problem, TASK, Budget(evaluations=alone.evaluations))
    assert first.best == alone.best, "the first beam is the policy's own episode"


def test_a_beam_keeps_what_the_policy_is_sure_of_where_values_speak_against_it():
    """Behind the policy's one mistake it knows the way, and two states by each step of it look better."""
    ways = {"": 1.0, "a": 2.0, "b": 0.5, "b x": 0.4, "b y": 3.0, "b x x": 0.3, "b x y": 3.1, "b y x": 3.3, "b y y": 3.2}
    ways |= {"b x x x": 9.0, "b y x x": 3.4, "b y x y": 3.4, "b y y x": 3.4, "b y y y": 3.4}
    problem, policy = Map(ways), FixedPolicy([0.5, 0.3, 0.16, 0.04])
    outcome = run_search(make_search("policy_beam", policy), problem, TASK, Budget(evaluations=10))
    assert actions_of(problem, outcome) == ["b", "x", "x", "x"]


@pytest.mark.parametrize("method", ["policy_beam", "policy_sampled"])
def test_what_the_policy_never_does_is_not_tried(method):
    problem = Map({"": 1.0, "a": 2.0, "b": 9.0, "a a": 3.0})
    outcome = run_search(make_search(method, FixedPolicy([1.0, 0.0])), problem, TASK, PLENTY)
    assert actions_of(problem, outcome) == ["a", "a"] and outcome.evaluations == 3


@pytest.mark.parametrize("method", ["policy", "policy_beam", "policy_sampled"])
def test_stop_ends_an_episode(toy, method):
    stops = FixedPolicy([float(action == STOP) for action in toy.actions])
    assert run_search(make_search(method, stops), toy, task(3, 3), PLENTY).evaluations == 1


@pytest.mark.parametrize("kind", ["actor_critic", "q", "recurrent_q"])
def test_the_tree_knows_what_the_policy_thinks_on_each_way(kind):
    """Also where that depends on the way, and however many forks are asked about at once."""
    policy, toy = untrained(kind), Toy()
    trial = Trial(toy, task(3, 5), PLENTY)
    tree = PolicyTree(policy, trial)
    forks = [tree.root]
    for _ in range(4):
        asked = zip(forks, tree.ask(forks), strict=True)
        followed = [tree.follow(fork, action) for fork, found in asked for action in np.flatnonzero(found).tolist()]
        forks = [fork for fork in followed if fork is not None]
    for fork, found in zip(forks, tree.ask(forks), strict=True):
        player, node = policy.start(), trial.root
        for action in (*fork.node.actions, None):
            judged = player.judge(trial.policy_input(node))
            node = node if action is None else trial.step(node, action)
        np.testing.assert_allclose(found, judged.probabilities, rtol=1e-3, atol=1e-6)
    assert len({fork.node.actions for fork in forks}) == len(forks) > 8
