"""States as keys: what searches look up, and what workers send each other."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

from rllib_envs.loop_nest.backend.loops import Loop
from rllib_envs.loop_nest.kinds import make_statement
from rllib_envs.loop_nest.state import NestState, untuned
from tests.conftest import ROOT

MAKE = """
import pickle, sys
from rllib_envs.loop_nest.kinds import make_statement
from rllib_envs.loop_nest.state import untuned
sys.stdout.buffer.write(pickle.dumps(untuned(make_statement("mm", {"m": 8, "n": 16, "k": 4}, None))))
"""


def state(cursor: int = 0) -> NestState:
    made = untuned(make_statement("mm", {"m": 8, "n": 16, "k": 4}, None))
    return made.with_loops(list(made.loops), cursor)


def test_equal_states_are_one_key_and_others_are_not():
    assert {state(): 1}[state()] == 1 and state() == state()
    swapped = state().with_loops([state().loops[1], state().loops[0], *state().loops[2:]], 0)
    split = state().with_loops([Loop("m", 4), *state().loops], 0)
    assert len({state(), state(1), swapped, split}) == 4


def test_a_state_of_another_process_is_the_same_key():
    """There, the same text has another hash."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "7"}
    run = subprocess.run([sys.executable, "-c", MAKE], capture_output=True, check=True, env=environment)
    theirs = pickle.loads(run.stdout)  # noqa: S301  (our own)
    assert theirs == state() and hash(theirs) == hash(state())
