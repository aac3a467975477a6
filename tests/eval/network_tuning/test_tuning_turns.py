"""Kernels are tuned in turns, in proportion to what they add to a network's latency."""

from __future__ import annotations

from collections import Counter

from eval.network_tuning.allotment import Standing, next_kernel
from tests.eval.network_tuning.synthetic_crew import FORMULAS, task_of

ONE, OTHER, THIRD = (task_of(formula) for formula in list(FORMULAS.values())[:3])


def test_trials_go_where_the_time_goes() -> None:
    standings = [Standing(ONE, 3, 0.2), Standing(OTHER, 1, 0.3), Standing(THIRD, 1, 0.1)]
    for _ in range(100):
        chosen = next_kernel(standings, batch=8)
        assert chosen is not None
        chosen.trials += 8
    assert Counter({one.task.name: one.trials // 8 for one in standings}) == {
        ONE.name: 60,
        OTHER.name: 30,
        THIRD.name: 10,
    }


def test_a_kernel_that_has_become_fast_makes_room() -> None:
    tuned, other = Standing(ONE, 1, 1.0, trials=8, best=0.1), Standing(OTHER, 1, 0.5, trials=16)
    assert next_kernel([tuned, other], batch=8) is other


def test_what_is_slower_than_no_schedule_is_not_used() -> None:
    assert Standing(ONE, 2, 1.0, trials=1, best=3.0).share == 2.0
    assert Standing(ONE, 2, 1.0, trials=1, best=0.5).share == 1.0


def test_kernels_without_anything_left_are_done() -> None:
    done = Standing(ONE, 1, 9.0, done=True)
    going = Standing(OTHER, 1, 0.1)
    assert next_kernel([done, going], 8) is going
    assert next_kernel([done], 8) is None
