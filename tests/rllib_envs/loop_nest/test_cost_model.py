"""The cost model ranks as measuring does, and answers for whatever is legal."""

from __future__ import annotations

import math
import pickle
import random
import time

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import Loop
from rllib_envs.loop_nest.cost_model import CostModel
from rllib_envs.loop_nest.cost_model_machine import Machine, cache_bytes, this_machine
from rllib_envs.loop_nest.kinds import KINDS, make_statement
from rllib_envs.loop_nest.state import NestState
from tests.rllib_envs.loop_nest.backend.fuzz_kernels import random_schedule, random_statement

INTEL = Machine(l1_bytes=48 << 10, l2_bytes=2 << 20)
MACHINES = {
    "two units of 512 bits": INTEL,
    "one unit of 512 bits": Machine(multiply_adds=1.0, loads=1.0, stores=0.5),
    "AVX2": Machine(lanes=8, registers=16),
    "NEON": Machine(lanes=4, registers=32),
}
TILES = ("n32 m8", "n32 m8", "n16 m4", "n16 m4")
"""For each machine, as much of C as its registers hold."""
MATMUL = make_statement("mm", {"m": 256, "n": 256, "k": 256})
FROM_SLOW_TO_FAST = ("m n k", "k m n", "m k n")


def schedule(text: str) -> tuple[Loop, ...]:
    """ "n64 k n": a loop over n with step 64, then loops over k and n with step 1."""
    return tuple(Loop(word[0], int(word[1:] or 1)) for word in text.split())


@pytest.mark.parametrize(("machine", "tile"), [*zip(MACHINES.values(), TILES, strict=True)], ids=MACHINES)
def test_better_schedules_are_predicted_to_be_faster(machine, tile):
    model = CostModel(machine)
    speeds = [model.fraction_of_peak(MATMUL, schedule(text)) for text in (*FROM_SLOW_TO_FAST, f"{tile} k m n")]
    assert speeds == sorted(speeds)
    assert speeds[-1] > 1.3 * speeds[-2] and speeds[-1] > 5 * speeds[0]


def test_a_tile_in_registers_is_bound_by_arithmetic_and_near_the_peak():
    prediction = CostModel(INTEL).predict(MATMUL, schedule("n32 m8 k m n"))
    assert prediction.bound == "arithmetic"
    assert prediction.arithmetic == MATMUL.flops / INTEL.flop_per_cycle
    assert prediction.cycles < 1.1 * prediction.arithmetic


@pytest.mark.parametrize(
    ("kind", "sizes", "order", "bound"),
    [
        ("mm", {"m": 256, "n": 32, "k": 128}, "m k n", "latency"),  # two sums under way
        ("mm", {"m": 512, "n": 256, "k": 256}, "k m n", "from_l2"),  # C goes by for each k
        ("transpose", {"m": 64, "n": 64}, "m n", "lane_by_lane"),
    ],
)
def test_the_slowest_part_is_named(kind, sizes, order, bound):
    prediction = CostModel(INTEL).predict(make_statement(kind, sizes), schedule(order))
    assert prediction.bound == bound
    assert prediction.cycles == max(prediction[:-1]) + prediction.overhead


def test_what_fits_into_a_cache_is_brought_there_once():
    small, large = (make_statement("mm", {"m": 64, "n": 64, "k": k}) for k in (64, 256))
    model = CostModel(INTEL)
    assert model.predict(small, schedule("m k n")).from_l3 == 0
    assert model.predict(large, schedule("m k n")).from_l2 > model.predict(large, schedule("k64 m k n")).from_l2


@pytest.mark.parametrize("seed", range(4))
def test_every_legal_nest_has_a_prediction(seed):
    rng = random.Random(seed)
    models = [CostModel(machine) for machine in MACHINES.values()]
    for _ in range(100):
        statement = random_statement(rng)
        loops = random_schedule(statement, rng)
        for model in models:
            prediction = model.predict(statement, loops)
            assert all(math.isfinite(part) and part >= 0 for part in prediction), (statement, loops, prediction)
            fraction = model.fraction_of_peak(statement, loops)
            assert 0 < fraction <= 2.0, (statement, loops, fraction)  # above 1 where flops aren't multiply-adds


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_untuned(kind):
    statement = make_statement(kind, {name: 7 for name in KINDS[kind].order.split()})
    assert CostModel().predict(statement, tuple(Loop(var, 1) for var, _ in statement.sizes)).cycles > 0


def test_an_illegal_schedule_is_refused():
    with pytest.raises(UserError, match="innermost loop of k"):
        CostModel().predict(MATMUL, schedule("m n k4"))


def test_the_ranking_agrees_with_measurements(loop_nest):
    """Loosely: these schedules are far apart, and another machine may order neighbours differently."""
    orders = ("m n k", "n k m", "k m n", "m k n", "n64 m4 k m n", "m8 n32 k m n", "k32 n m k", "m n4 k n", "n16 m k n")
    statement = make_statement("mm", {"m": 128, "n": 128, "k": 128})
    states = [NestState(statement, schedule(text)) for text in orders]
    predicted = [loop_nest.predict(state) for state in states]
    evaluations = [loop_nest.evaluate(state) for state in states]
    assert all(evaluation.verified for evaluation in evaluations)
    measured = [evaluation.value for evaluation in evaluations]
    ranks = [np.argsort(np.argsort(values)) for values in (predicted, measured)]
    assert np.corrcoef(*ranks)[0, 1] > 0.6
    assert max(predicted) < 1.1 * evaluations[0].scale


def test_a_prediction_takes_far_less_than_a_measurement():
    model, loops = CostModel(), schedule("k64 n64 m8 k8 m k n")
    began = time.process_time()
    for _ in range(200):
        model.predict(MATMUL, loops)
    assert (time.process_time() - began) / 200 < 1e-3


def test_cache_sizes_are_read_or_assumed(tmp_path):
    for index, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("1", "Instruction", "64K"), ("2", "Unified", "2048K"), ("3", "Unified", "unknown")]
    ):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(text + "\n")
    assert [cache_bytes(level, 7, tmp_path) for level in (1, 2, 3)] == [48 << 10, 2 << 20, 7]
    assert cache_bytes(1, 7, tmp_path / "missing") == 7


def test_the_machine_at_hand_is_a_value():
    assert pickle.loads(pickle.dumps(this_machine())) == this_machine()  # noqa: S301
    assert this_machine().flop_per_cycle > 0
