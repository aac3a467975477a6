"""`python -m tests.wandb_server`: prints its address and its key, and serves until its standard input closes."""

from __future__ import annotations

import json
import sys

from tests.wandb_server import WandbServer

if __name__ == "__main__":
    with WandbServer() as server:
        print(json.dumps({"url": server.url, "key": server.api_key}), flush=True)
        sys.stdin.read()
