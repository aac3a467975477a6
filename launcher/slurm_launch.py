"""Start an application on a SLURM cluster, or here where there is none. The same as `tunewright launch`.

python launcher/slurm_launch.py --app=rllib_agent.py --time=1:00:00 -nc=80 -ng=2 --iter=1 \
    --dataset=mm64_128_16_range --trainer=dqn.ApexTrainer --steps=10 --eval_size=5 --eval_time=10
"""

from __future__ import annotations

import sys

from launcher.cli import launch


def main() -> None:
    launch(sys.argv[1:], prog="slurm_launch.py", description=__doc__)


if __name__ == "__main__":
    main()
