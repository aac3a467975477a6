"""Each search finds what it can find."""

from __future__ import annotations

import numpy as np
import pytest

from eval.budget import Budget
from eval.searches import POLICY_SEARCHES, SEARCHES, make_search
from eval.searches.run import run_search
from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark, Evaluation, Observation, ObservationSpec, Problem

PLENTY = Budget(evaluations=2000)


def task(*targets: int) -> Benchmark:
    return Benchmark("task", "toy", {"targets": list(targets)})


class Doors(Problem[tuple[str, ...]]):
    """Each action opens a door; the value of the first door is a table."""

    name = "doors"
    spec = ObservationSpec(1, 1, 1)
    horizon = 1
    config: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, values: dict[str, float], higher_is_better: bool = True) -> None:
        self.values = values
        self.actions = tuple(values)
        self.higher_is_better = higher_is_better

    def initial(self, benchmark):
        return ()

    def legal(self, state):
        return np.full(len(self.actions), not state)

    def apply(self, state, action):
        return (*state, self.actions[action])

    def observe(self, state):
        return Observation(np.zeros((1, 1), np.float32), np.ones(1, np.int8), np.zeros(1, np.float32))

    def evaluate(self, state):
        return Evaluation(self.values[state[0]] if state else 5.0, "points", 1.0, self.higher_is_better)


@pytest.mark.parametrize("best", ["a_first", "m_middle", "z_last"])
@pytest.mark.parametrize("method", ["beam2", "greedy1", "greedy2", "random"])
@pytest.mark.parametrize("higher_is_better", [True, False])
def test_values_decide_and_not_names(best, method, higher_is_better):
    names = ("m_middle", "a_first", "z_last")
    good, fair = (9.0, 7.0) if higher_is_better else (1.0, 3.0)
    problem = Doors({name: good if name == best else fair for name in names}, higher_is_better)
    outcome = run_search(make_search(method), problem, Benchmark("doors", "doors", {}), Budget(evaluations=50))
    assert [problem.actions[action] for action in outcome.best.actions] == [best]


def test_greedy_with_look_ahead_one_climbs_one_dial(toy):
    outcome = run_search(make_search("greedy1"), toy, task(6), PLENTY)
    assert outcome.claimed.value == 1.0
    assert len(outcome.best.actions) == 6


def test_only_look_ahead_two_gets_past_a_move_that_wins_nothing(toy):
    short = run_search(make_search("greedy1"), toy, task(3, 4), PLENTY)
    far = run_search(make_search("greedy2"), toy, task(3, 4), PLENTY)
    assert short.claimed.value < 1.0, "moving the hand to the next dial does not pay at once"
    assert far.claimed.value == 1.0


def test_greedy_stops_at_the_optimum_and_leaves_the_rest_of_the_budget(toy):
    assert run_search(make_search("greedy2"), toy, task(0), PLENTY).evaluations < 5


def test_a_beam_goes_on_where_a_level_wins_nothing(toy):
    outcome = run_search(make_search("beam4"), toy, task(3, 4), PLENTY)
    assert outcome.claimed.value == 1.0


def test_a_wider_beam_sees_more_and_both_end_at_the_horizon(toy):
    narrow, wide = (run_search(make_search(f"beam{width}"), toy, task(5, 6, 7), PLENTY, horizon=6) for width in (2, 4))
    assert narrow.evaluations < wide.evaluations < PLENTY.evaluations
    assert wide.claimed.value >= narrow.claimed.value


@pytest.mark.parametrize("method", ["beam4", "greedy2"])
def test_a_failed_candidate_is_never_the_answer(toy, monkeypatch, method):
    honest = toy.evaluate

    def evaluate(state):
        evaluation = honest(state)
        return Evaluation(99.0, "share", 1.0, error="wrong result") if state.positions == (2,) else evaluation

    monkeypatch.setattr(toy, "evaluate", evaluate)
    outcome = run_search(make_search(method), toy, task(2), PLENTY)
    assert outcome.best.state.positions != (2,)
    assert outcome.claimed.verified


def test_more_budget_never_hurts_random_search(toy):
    values = [
        run_search(make_search("random"), toy, task(5, 2, 7), Budget(evaluations=size)).claimed.value
        for size in (5, 20, 80, 300)
    ]
    assert values == sorted(values)
    assert values[0] < values[-1]


@pytest.mark.parametrize("method", [*SEARCHES, *POLICY_SEARCHES])
def test_the_seed_decides(toy, policy, method):
    search = make_search(method, policy)

    def run(seed):
        outcome = run_search(search, toy, task(7, 6, 5), Budget(evaluations=60), seed=seed)
        return outcome.best, [point.value for point in outcome.curve]

    assert run(1) == run(1)
    if method == "random":
        assert run(1) != run(2)


def test_the_policy_is_followed_once_and_its_best_state_is_the_answer(toy, policy):
    outcome = run_search(make_search("policy", policy), toy, task(2, 3), PLENTY)
    assert [toy.actions[action] for action in outcome.best.actions] == ["raise"] * 2 + ["next"] + ["raise"] * 3
    assert outcome.evaluations == 6, "the untuned state and five turns; moving the hand evaluates nothing new"


def test_a_policy_that_spoils_its_work_is_judged_by_its_best_state(toy):
    class Overshooting:
        def start(self):
            return self

        def act(self, inputs, rng=None):
            return toy.actions.index("raise") if inputs["action_mask"][1] else toy.actions.index("stop")

    assert run_search(make_search("policy", Overshooting()), toy, task(3), PLENTY).claimed.value == 1.0


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


def test_each_episode_has_a_player_of_its_own_that_sees_all_of_it(toy):
    players = []

    class Watching:
        def __init__(self):
            self.steps_left = []

        def act(self, inputs, rng=None):
            self.steps_left.append(float(inputs["globals"][-1]))
            return int(np.flatnonzero(inputs["action_mask"])[0])

    class Starting:
        def start(self):
            players.append(Watching())
            return players[-1]

    run_search(make_search("policy_sampled", Starting()), toy, task(3, 3), Budget(evaluations=12), horizon=4)
    assert len(players) > 2
    for player in players[:-1]:
        np.testing.assert_allclose(player.steps_left, [1.0, 0.75, 0.5, 0.25])


def test_sampling_uses_the_whole_budget_and_starts_with_the_greedy_answer(toy, policy):
    outcome = run_search(make_search("policy_sampled", policy), toy, task(7, 7, 7, 7), Budget(evaluations=100))
    greedy = run_search(make_search("policy", policy), toy, task(7, 7, 7, 7), PLENTY)
    assert outcome.evaluations == 100
    assert outcome.curve[: len(greedy.curve)] and outcome.claimed.value >= greedy.claimed.value


def test_wrong_names_and_a_missing_policy_are_explained():
    with pytest.raises(UserError, match="did you mean 'greedy2'"):
        make_search("gredy2")
    with pytest.raises(UserError, match="none was given"):
        make_search("policy")
