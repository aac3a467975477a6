"""Code generator and timer for loop nests: a schedule becomes machine code, verified and timed within milliseconds.

Start with `loops.py` (what a schedule is), `plan.py` (what becomes of it), `backends.py` (the ways to code),
`emit_x86.py` and `measure.py`.
"""

from __future__ import annotations

from rllib_envs.loop_nest.backend.fma_peak import Peak, peak
from rllib_envs.loop_nest.backend.kernel import Kernel, compile_kernel
from rllib_envs.loop_nest.backend.loops import Loop
from rllib_envs.loop_nest.backend.measure import Measurer
from rllib_envs.loop_nest.backend.protocol import Measurement

__all__ = ["Kernel", "Loop", "Measurement", "Measurer", "Peak", "compile_kernel", "peak"]
