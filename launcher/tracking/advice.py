"""From what a server or its client says of a failure to what a person can do about it."""

from __future__ import annotations

import re
import textwrap

from launcher.tracking.account import HOW

LONGEST = 300
"""Characters of what was said that are shown."""
KEY_REFUSED = f"the key is not accepted, perhaps it has expired; make a new one on the page of your settings, and {HOW}"
ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"quota|storage limit|insufficient storage|\b(402|507)\b",
        "the storage or the quota there is used up; delete runs or artifacts, or have it raised",
    ),
    (r"\b413\b|too large", "a file is larger than the server takes; have its limit raised"),
    (r"\b429\b|rate limit", "it is more than the server takes at a time; wait a few minutes"),
    (
        r"\b401\b|not logged in|api key",
        KEY_REFUSED,
    ),
    (
        r"\b403\b|permission denied|forbidden",
        "this account may not do that; ask the owner of the project, or use another key",
    ),
    (r"previously created and deleted", "the run was deleted there; --fork goes on as another one"),
    (
        r"\b404\b|not found|could not find|does not exist",
        "there is no such run or artifact; is it spelt right, or was it deleted?",
    ),
    (r"(http|error|status):? 5\d\d\b|internal (server )?error", "the server fails; try again later"),
)
"""What to do, by a pattern of what is said; the first that is found counts."""


VAGUE: tuple[tuple[str, str], ...] = (
    (
        r"connection refused|no such host|unreachable|timed out|timeout|deadline|not respond in time",
        "the server is not reached or does not answer; is the network up, and WANDB_BASE_URL right?",
    ),
    (r"verify credentials", KEY_REFUSED),
)
"""The same for what is said along with any of those above, or instead of one."""


def explained(told: str, noted: str = "") -> str:
    """One line: what to do, and what was said. Only that where it is not known what to do.

    `noted` was met before, and counts where `told` says no more than that something failed or took too long.
    """
    said = textwrap.shorten("; ".join(filter(None, (told, noted))), LONGEST, placeholder=" ...")
    for advices, text in ((ADVICE, told), (ADVICE, noted), (VAGUE, said)):
        for pattern, advice in advices:
            if re.search(pattern, text, re.IGNORECASE):
                return f"{advice} ({said})"
    return said
