"""What a person gets to read when a command can't do its work."""

from __future__ import annotations


class DevclusterError(Exception):
    """The request can't be carried out as it was given. The message says what, why, and what to do, in one line."""

    exit_code = 2


class StartFailed(DevclusterError):
    """A daemon ended or did not answer. The last lines of its log follow the message."""

    exit_code = 1
