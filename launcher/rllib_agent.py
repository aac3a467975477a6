"""Train a policy and evaluate it here. The same as `tunewright train`.

python launcher/rllib_agent.py --iter=20 --dataset=mm64_128_16_range --trainer=ppo.PPOTrainer --steps=10
"""

from __future__ import annotations

import sys

from launcher.cli import run
from launcher.training.config_file import parse_train


def main() -> None:
    run(parse_train(sys.argv[1:], prog="rllib_agent.py", description=__doc__))


if __name__ == "__main__":
    main()
