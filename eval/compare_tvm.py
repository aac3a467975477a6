"""Compare a policy with TVM: its default schedule, one tiled by hand, and MetaSchedule. numpy is there, too.

python eval/compare_tvm.py --size=25 --wandb_url=<run>

The same as `tunewright compare --baselines numpy,tvm,tvm_tiled,tvm_metaschedule`, whose other options it takes.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

BASELINES = "--baselines=numpy,tvm,tvm_tiled,tvm_metaschedule"


def main() -> None:
    """Become `search.py`, with these baselines unless others are named."""
    os.execv(sys.executable, [sys.executable, str(Path(__file__).with_name("search.py")), BASELINES, *sys.argv[1:]])


if __name__ == "__main__":
    main()
