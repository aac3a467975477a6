"""Compare a policy with TVM: its default schedule, one tiled by hand, and MetaSchedule. numpy is there, too.

python eval/compare_tvm.py --size=25 --wandb_url=<run>

The same as `tunewright compare --baselines numpy,tvm,tvm_tiled,tvm_metaschedule`, whose other options it takes.
"""

from __future__ import annotations

import os
import sys

COMMAND = ("-m", "launcher.cli", "compare", "--baselines=numpy,tvm,tvm_tiled,tvm_metaschedule")


def main() -> None:
    """Become that command.

    A program is started and nothing imported: what is above this package may use it and not be used by it. Besides,
    Python looks first in the folder of a script, where `statistics` would not be the standard library's.
    """
    os.execv(sys.executable, [sys.executable, *COMMAND, *sys.argv[1:]])


if __name__ == "__main__":
    main()
