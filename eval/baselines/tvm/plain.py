"""What TVM makes of a statement that nobody has scheduled: its loops in order, and what LLVM does for them."""

from __future__ import annotations

import time

from eval.baselines.limits import TuningLimits
from eval.baselines.prepared import Prepared
from eval.baselines.tvm.call import Arguments, compiled
from eval.baselines.tvm.expression import module
from rllib_envs.loop_nest.backend.workload import Workload
from rllib_envs.tvm_host import version


def prepare(workload: Workload, limits: TuningLimits) -> Prepared:
    began = time.perf_counter()
    function = compiled(module(workload.statement))
    how = f"{version()}, default schedule"
    return Prepared(Arguments(workload).call(function), how, time.perf_counter() - began)
