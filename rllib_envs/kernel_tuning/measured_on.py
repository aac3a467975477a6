"""What a measurement depends on besides task and gene, as text for the record store."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

from rllib_envs import tvm_host
from rllib_envs.loop_nest.measured_on import processor_name

SOURCES = (
    *(Path(__file__).with_name(f"{name}.py") for name in ("expression", "factorizations", "kernel", "operators")),
    *(Path(__file__).with_name(f"{name}.py") for name in ("template", "timing", "timing_protocol", "workload")),
    Path(tvm_host.__file__),
)


@cache
def measured_on() -> str:
    """Processor and the version of compiler and timing, such as "AMD EPYC 25/17/1, TVM 0.27.0, kernels 1a2b3c4d"."""
    digest = hashlib.sha256()
    for path in SOURCES:
        digest.update(path.read_bytes())
    try:
        version = metadata.version("apache-tvm")
    except metadata.PackageNotFoundError:  # built from source, or not here
        version = "of unknown version"
    return f"{processor_name()}, TVM {version}, kernels {digest.hexdigest()[:8]}"
