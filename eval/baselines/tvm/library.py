"""The baselines of TVM."""

from __future__ import annotations

from functools import partial

from eval.baselines.prepared import Library
from rllib_envs.loop_nest.backend.child import MeasuringBench
from rllib_envs.tvm_host import allow_torch, prepare_import


def load(bench: MeasuringBench) -> Library:
    """Import TVM, which takes some seconds."""
    prepare_import()
    from eval.baselines.tvm import metaschedule, plain, tiled

    allow_torch()
    return {
        "tvm": plain.prepare,
        "tvm_tiled": tiled.prepare,
        "tvm_metaschedule": partial(metaschedule.prepare, bench),
    }
