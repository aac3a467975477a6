"""Whether the packages that a baseline needs are here, and how to get them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import metadata
from importlib.util import find_spec

TVM_COMMAND = "pip install 'tunewright[tvm]'"
FFI = "apache-tvm-ffi"
FIRST_BROKEN_FFI = (0, 1, 15)
"""With it, TVM 0.27 crashes when it writes a module as JSON, which every search of MetaSchedule does."""


def missing(packages: Sequence[str]) -> str:
    """What to do about the first of these TVM packages that is not installed; empty where all are."""
    for package in packages:
        if find_spec(package) is None:
            return f"{package} is not installed: {TVM_COMMAND}"
    return ffi_trouble() if packages else ""


def ffi_trouble() -> str:
    """What is wrong with the version of TVM's foreign-function interface; empty where nothing is."""
    version = _version(FFI)
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    return f"TVM crashes with {FFI} {version}: {TVM_COMMAND}" if numbers >= FIRST_BROKEN_FFI else ""


def tvm_row() -> str:
    """For `tunewright doctor`: the versions, or what is missing and the command that mends it."""
    trouble = missing(("tvm", "xgboost"))
    if trouble:
        return f"{trouble} (optional, for comparisons with TVM)"
    return f"{_version('apache-tvm')}, and what MetaSchedule needs to search"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # built from source
        return "of unknown version"
