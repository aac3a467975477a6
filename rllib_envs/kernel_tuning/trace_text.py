"""Schedules of TVM's own search as text: their traces as JSON. For processes with TVM alone."""

from __future__ import annotations

import json
from typing import Any

from tvm import s_tir
from tvm.s_tir.schedule import Trace

from rllib_envs.kernel_tuning.template import SEED, InvalidGene, in_one_line


def trace_text(trace: Any) -> str:
    """What `traced` reads."""
    return json.dumps(_plain(trace.as_json()))


def traced(module: Any, text: str) -> Any:
    """The schedule of a trace of whatever design space, ready to be built. Raises InvalidGene."""
    schedule = s_tir.Schedule(module, seed=SEED, error_render_level="none", enable_check=False)
    try:
        Trace.apply_json_to_schedule(json.loads(text), schedule)
    except Exception as error:  # of the JSON, and whatever the primitives raise
        raise InvalidGene(in_one_line(error)) from None
    return schedule


def _plain(value: Any) -> Any:
    """TVM's numbers, strings and arrays as JSON has them."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.value if hasattr(value, "value") else [_plain(each) for each in value]
