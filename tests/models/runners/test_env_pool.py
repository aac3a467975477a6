"""Pools: the same environments behind both, out of lockstep, and what happens when one fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from models.runners.outcomes import EnvError, EnvsKeepDying, Lost, Started, Stepped
from rllib_envs.errors import IllegalAction
from tests.conftest import ROOT
from tests.models.runners.envs import Broken, Held, Hopeless, Strict, Unportable
from tests.processes import alive

BOTH = pytest.mark.parametrize("kind", ["serial", "processes"])
PATIENCE_S = 60.0
"""Far beyond what anything here takes; a wait this long is a hang."""


def gather(pool, enough):
    """Outcomes by environment, playing the first legal action, until `enough(outcomes)`."""
    outcomes = {index: [] for index in range(len(pool))}
    while not enough(outcomes):
        came_in = pool.ready(PATIENCE_S)
        assert came_in, "nothing comes in any more"
        for index, outcome in came_in:
            outcomes[index].append(outcome)
            if isinstance(outcome, Started) or (isinstance(outcome, Stepped) and not outcome.done):
                pool.send(index, int(np.argmax(outcome.observation["action_mask"])))
    return outcomes


def at_least(count):
    return lambda outcomes: all(len(row) >= count for row in outcomes.values())


@BOTH
def test_each_environment_plays_its_own_episodes_in_order(kind, make_pool):
    pool = make_pool(kind, Strict, {"length": 4})
    pool.start(seed=3)
    for index, row in gather(pool, at_least(12)).items():
        for number, outcome in enumerate(row):
            episode, step = divmod(number, 5)
            np.testing.assert_array_equal(outcome.observation["at"], [index, episode + 1, step])
            assert isinstance(outcome, Stepped if step else Started)
            if step:
                assert outcome.terminated == (step == 4) and not outcome.truncated


def test_both_pools_play_the_same(make_pool):
    played = []
    for kind in ("serial", "processes"):
        pool = make_pool(kind, Strict)
        pool.start(seed=5)
        played.append(gather(pool, at_least(20)))
    for index in range(3):
        for serial, process in zip(played[0][index][:20], played[1][index][:20], strict=True):
            np.testing.assert_array_equal(serial.observation["action_mask"], process.observation["action_mask"])
            if isinstance(serial, Stepped):
                assert serial.reward == process.reward
    masks = [np.array([outcome.observation["action_mask"] for outcome in played[0][index]]) for index in range(2)]
    assert (masks[0][:20] != masks[1][:20]).any(), "neighbours have seeds of their own"


@BOTH
def test_starting_again_forgets_what_was_under_way(kind, make_pool):
    pool = make_pool(kind, Strict)
    for _ in range(2):
        pool.start(seed=1)
        first = gather(pool, at_least(3))
    assert all(isinstance(row[0], Started) for row in first.values())
    assert all(sum(isinstance(outcome, Started) for outcome in row[:3]) == 1 for row in first.values())


@BOTH
def test_an_environment_of_gymnasium_by_name(kind, make_pool):
    pool = make_pool(kind, "CartPole-v1", {"sutton_barto_reward": True})
    pool.start(seed=0)
    for index, outcome in pool.ready(PATIENCE_S):
        assert outcome.observation.shape == (4,)
        pool.send(index, 0)
    assert pool.action_space.n == 2


def test_the_others_go_on_while_one_waits(make_pool, tmp_path):
    pool = make_pool("processes", Held, {"released": str(tmp_path / "released")})
    pool.start(seed=0)
    outcomes = gather(pool, lambda rows: len(rows[1]) >= 100 and len(rows[2]) >= 100)
    assert [type(outcome) for outcome in outcomes[0]] == [Started], "it is held in its first step"
    (tmp_path / "released").touch()
    gather(pool, lambda rows: len(rows[0]) >= 5)


@BOTH
def test_what_an_environment_raises_is_raised_here(kind, make_pool):
    pool = make_pool(kind, Broken)
    pool.start(seed=0)
    with pytest.raises(ZeroDivisionError, match="the dial came off") as raised:
        gather(pool, at_least(10))
    assert "raise ZeroDivisionError" in raised.value.__notes__[0]
    pool.start(seed=0)
    came_in = []
    while len(came_in) < len(pool):
        came_in += pool.ready(PATIENCE_S)
    assert sorted(index for index, _ in came_in) == [0, 1, 2], "it can be started again"
    assert all(isinstance(outcome, Started) for _, outcome in came_in)


@BOTH
def test_an_illegal_action_is_an_error(kind, make_pool):
    pool = make_pool(kind, Strict)
    pool.start(seed=0)
    ((index, outcome), *_) = pool.ready(PATIENCE_S)
    with pytest.raises(IllegalAction, match="is masked"):
        pool.send(index, int(np.argmin(outcome.observation["action_mask"])))
        for _ in range(len(pool)):
            pool.ready(PATIENCE_S)


def test_an_error_that_can_not_travel_keeps_its_text(make_pool):
    pool = make_pool("processes", Unportable, count=1)
    pool.start(seed=0)
    with pytest.raises(EnvError, match="raised Local: nowhere to be found"):
        gather(pool, at_least(3))


def test_a_killed_environment_is_replaced(make_pool):
    pool = make_pool("processes", Strict)
    pool.start(seed=0)
    gather(pool, at_least(3))
    before = list(pool.processes)
    os.kill(before[1], signal.SIGKILL)
    outcomes = gather(pool, lambda rows: len(rows[1]) >= 30 and any(isinstance(row, Lost) for row in rows[1]))
    kinds = [type(outcome) for outcome in outcomes[1]]
    assert kinds.count(Lost) == 1 and kinds[kinds.index(Lost) + 1] is Started
    assert all(Lost not in map(type, outcomes[index]) for index in (0, 2))
    assert pool.processes[1] != before[1] and pool.processes[0] == before[0]


def test_all_are_replaced_when_their_template_is_killed(make_pool):
    pool = make_pool("processes", Strict)
    pool.start(seed=0)
    gather(pool, at_least(3))
    before = set(pool.processes)
    os.kill(pool._template._process.pid, signal.SIGKILL)
    gather(pool, lambda rows: all(any(isinstance(outcome, Lost) for outcome in row) for row in rows.values()))
    gather(pool, at_least(10))
    assert not before & set(pool.processes)


def test_one_that_dies_again_and_again_is_an_error(make_pool):
    pool = make_pool("processes", Hopeless)
    pool.start(seed=0)
    with pytest.raises(EnvsKeepDying, match="has died"):
        gather(pool, at_least(100))


def await_end(processes) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while any(map(alive, processes)):
        assert time.monotonic() < deadline, "a process has outlived its parent"
        time.sleep(0.01)


def test_no_process_is_left_after_close(make_pool, tmp_path):
    """Not even one that is in the middle of a step."""
    pool = make_pool("processes", Held, {"released": str(tmp_path / "never")})
    pool.start(seed=0)
    gather(pool, lambda rows: len(rows[1]) >= 5)
    processes = [*pool.processes, pool._template._process.pid]
    pool.close()
    await_end(processes)


OWNER = """
import sys, time
from models.runners.env_factory import EnvFactory
from models.runners.process_pool import ProcessPool
from tests.models.runners.envs import Held
pool = ProcessPool(EnvFactory(Held, {"released": sys.argv[1]}, 0, 0), 3)
pool.start(seed=0)
started = []
while len(started) < 3:
    started += pool.ready()
for index in range(3):
    pool.send(index, int(started[[i for i, _ in started].index(index)][1].observation["action_mask"].argmax()))
print(*pool.processes, pool._template._process.pid, flush=True)
time.sleep(600)
"""


def test_no_process_is_left_when_the_owner_is_killed(tmp_path):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path / "never")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with owner:
        processes = [int(word) for word in owner.stdout.readline().split()]
        assert len(processes) == 4 and all(map(alive, processes))
        owner.kill()
    await_end(processes)
