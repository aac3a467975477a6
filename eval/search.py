"""Compare a policy with searches on equal budgets. The same as `tunewright compare`.

python eval/search.py --trainer=dqn.ApexTrainer --wandb_url=<run> --searches=policy,greedy2,random --size=25 \
    --timeout=60 --steps=10 --debug
"""

from __future__ import annotations

import os
import sys

COMMAND = ("-m", "launcher.cli", "compare")


def main() -> None:
    """Become that command.

    A program is started and nothing imported: what is above this package may use it and not be used by it. Besides,
    Python looks first in the folder of a script, where `statistics` would not be the standard library's.
    """
    os.execv(sys.executable, [sys.executable, *COMMAND, *sys.argv[1:]])


if __name__ == "__main__":
    main()
