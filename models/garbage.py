"""Python's garbage collection, kept out of the way of imports."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """While large packages are imported for the first time.

    Collections would look through their million objects again and again, for a sixth of the time that importing RLlib
    takes, and find nothing. Nor do later ones look at them any more.
    """
    if not gc.isenabled() or gc.get_freeze_count():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
    gc.freeze()
