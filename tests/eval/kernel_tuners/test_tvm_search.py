"""TVM's own search proposes schedules, which are measured as ours are, and goes on from what is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.kernel_tuners.searchers import make_searcher
from rllib_envs.kernel_tuning.measure import KernelMeasurer
from rllib_envs.kernel_tuning.task import KernelTask

TASK = KernelTask.from_spec({"operator": "dense", "sizes": {"m": 8, "n": 32, "k": 16}, "epilogue": ["relu"]})


@pytest.mark.slow
def test_tvm_searches_and_goes_on_from_what_is_known(tmp_path: Path) -> None:
    with KernelMeasurer() as measurer:
        searcher = make_searcher("tvm", lambda task: measurer.open(task).space, seed=0)
        timed = []
        for _ in range(2):
            traces = searcher.ask(TASK, 5, budget=10)
            measured = [measurer.measure(TASK, trace) for trace in traces]
            assert {one.status for one in measured} == {"ok"}, [one.reason for one in measured]
            new = list(zip(traces, (one.seconds for one in measured), strict=True))
            searcher.tell(TASK, new, budget=10)
            timed += new
        assert len({trace for trace, _ in timed}) == len(timed) == 10, "nothing is asked for twice"
        searcher.close()
        written = sorted(timed, key=lambda each: each[1])[:2]
        assert measurer.write_database(TASK, written, tmp_path) == 2
        records = (tmp_path / "database_tuning_record.json").read_text().splitlines()
        assert [json.loads(line)[1][1][0] for line in records] == [seconds for _, seconds in written]

        again = make_searcher("tvm", lambda task: measurer.open(task).space, seed=0)
        again.tell(TASK, timed, budget=20)
        asked = {trace for trace, _ in timed}
        for _ in range(4):
            more = again.ask(TASK, 5, budget=20)
            assert len(more) == 5 and not asked & set(more), "nor in another run"
            again.tell(TASK, [(trace, 1e-3) for trace in more], budget=20)
            asked |= set(more)
        again.close()


def test_a_trace_that_gives_no_schedule_fails_by_name() -> None:
    with KernelMeasurer() as measurer:
        for trace in ("nothing", "[[], 1]", '[[["NoSuchPrimitive", [], [], []]], []]'):
            measured = measurer.measure(TASK, trace)
            assert (measured.status, measured.seconds) == ("invalid", 0.0) and measured.reason
