"""What a measurement depends on besides statement and schedule, as text for the record store."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

from rllib_envs.loop_nest.backend import processor
from rllib_envs.loop_nest.backend.backends import AUTO, LLVM, choose_backend

BACKEND = Path(__file__).with_name("backend")


def measured_on(backend: str = AUTO) -> str:
    """Processor, code generator and the version of both, such as "AMD EPYC 25/17/1, avx512, backend 1a2b3c4d".

    The peak is left out: speeds are recorded as fractions of it and recalled at the one of the day.
    """
    return f"{processor_name()}, {_emitter(choose_backend(backend))}, backend {backend_version()}"


@cache
def processor_name() -> str:
    """Model name, and family/model/stepping, because virtual machines often show a vague name."""
    lines = processor.CPU_INFO.read_text().splitlines() if processor.CPU_INFO.exists() else []
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    numbers = "/".join(fields.get(name, "?") for name in ("cpu family", "model", "stepping"))
    return f"{fields.get('model name', 'unknown processor')} {numbers}"


def _emitter(backend: str) -> str:
    return f"{LLVM} by llvmlite {metadata.version('llvmlite')}" if backend == LLVM else backend


@cache
def backend_version() -> str:
    """A hash of its source: any change may change what is generated or how it is timed."""
    digest = hashlib.sha256()
    for path in sorted(BACKEND.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
