"""Policies that tune: their networks, how they are trained, and the files they are kept in."""

import os

# At SIGTERM, Ray would print a trace and abort the process after three seconds. It decides so when it is imported.
os.environ.setdefault("RAY_DISABLE_FAILURE_SIGNAL_HANDLER", "1")
