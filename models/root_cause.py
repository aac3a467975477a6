"""What went wrong first, behind the errors that RLlib and Ray wrap around it."""

from __future__ import annotations

OUT_OF_MEMORY_TYPES = ("MemoryError", "OutOfMemoryError", "_ArrayMemoryError")
"""Of Python, of PyTorch on a GPU and of Ray, and of NumPy."""
OUT_OF_MEMORY_WORDS = ("can't allocate memory", "not enough memory", "CUDA out of memory")
"""PyTorch raises a plain RuntimeError when the processor's memory is full."""


def root_cause(error: BaseException) -> BaseException:
    """The exception that started it; RLlib wraps what an environment raises in an empty RuntimeError."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def out_of_memory(error: BaseException) -> bool:
    """Whether an allocation failed."""
    return type(error).__name__ in OUT_OF_MEMORY_TYPES or any(words in str(error) for words in OUT_OF_MEMORY_WORDS)
