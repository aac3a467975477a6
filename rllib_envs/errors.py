"""The errors that a person meets. Each message says what happened, the value that caused it, and what to do."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class TunewrightError(Exception):
    """Base class of every error raised on purpose. Commands turn it into one line and `exit_code`."""

    exit_code = 4


class UserError(TunewrightError, ValueError):
    """The request can't be carried out as it was given: a wrong name, file, range or value."""

    exit_code = 2


class MissingPackage(TunewrightError, ImportError):
    """An optional package is needed for this command and is not installed."""

    exit_code = 3


class IllegalAction(TunewrightError):
    """An action was applied to a state in which it is not legal. The message gives the reason in words."""


class MeasuringError(TunewrightError):
    """Measuring failed for a reason that is not the candidate's fault."""


NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""What the system says when a disk is full, or the user's share of it."""


BROKEN_PIPE = 128 + signal.SIGPIPE
"""What a shell says of a program that wrote to another one that had ended, as with `| head`."""


@contextmanager
def one_line_errors(debug: bool = False) -> Iterator[None]:
    """Run a command: what was raised on purpose becomes one line on stderr and its exit code; 130 on Ctrl-C.

    So does a full disk, wherever it is met. Where nobody reads the output any more, it ends without a word. With
    `debug` the traceback is shown. Other errors that were not raised on purpose are faults and always show theirs.
    """
    try:
        yield
    except TunewrightError as error:
        if debug:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        if debug or not _nobody_reads():
            raise
        raise SystemExit(BROKEN_PIPE) from None
    except OSError as error:
        if debug or error.errno not in NO_ROOM:
            raise
        print(f"error: {error}; make room, or write elsewhere; what was saved before is complete", file=sys.stderr)
        raise SystemExit(TunewrightError.exit_code) from None
    except KeyboardInterrupt:
        if debug:
            raise
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


def _nobody_reads() -> bool:
    """Whether whoever read the output has ended. What is still to be written then goes nowhere."""
    output = select.poll()
    try:
        output.register(sys.stdout, 0)
    except (OSError, ValueError):  # it goes to no file, as in a notebook
        return False
    if not any(event & select.POLLERR for _, event in output.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True
