"""How much faster Ape-X learns on a GPU than on a processor's core, by network. Takes about 3 minutes.

python bench/gpu_learner.py [--seconds 10]

The learner is the bottleneck: two runners place streaming-engine graphs, and each step may be learnt from as often as
the learner can. Updates/s are of batches of 512 transitions, writing priorities and handing out weights included.
Without a GPU nothing is measured.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from report import Bar, report

from models.encoders.config import EncoderConfig
from models.train_settings import TrainSettings
from models.training import TrainingSession
from rllib_envs.streaming_engine.device import Device
from rllib_envs.streaming_engine.generate import random_suite

ENCODERS = {
    "scorer of width 128": EncoderConfig("scorer", 128, 2),
    "transformer of width 128": EncoderConfig("transformer", 128, 2),
}
GRAPHS, NODES = 4, 20
UNBOUND = {"replay_ratio": 1e9, "batch": 512, "iteration_steps": 32}


def updates_per_second(suite: str, encoder: EncoderConfig, gpus: int, seconds: float) -> float:
    env = {"problem": "streaming_engine", "suite": suite}
    settings = TrainSettings("apex_dqn", env, env_runners=2, gpus=gpus, encoder=encoder, trainer_settings=UNBOUND)
    with TrainingSession(settings) as session:
        while not session.step().losses:  # until it learns
            pass
        began, rates = session.counters.seconds, []
        while session.counters.seconds - began < seconds:
            rates.append(session.step().figures["updates_per_second"])
    return sum(rates) / len(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="to measure for, in each run")
    arguments = parser.parse_args()
    bars: dict[str, Bar] = {}
    if not torch.cuda.is_available():
        print("no GPU here")
        report("gpu_learner", bars)
        return
    with tempfile.TemporaryDirectory() as suite:
        for benchmark in random_suite("layered", [NODES], GRAPHS, Device()):
            Path(suite, f"{benchmark.name}.json").write_text(benchmark.to_json())
        for name, encoder in ENCODERS.items():
            here, there = (updates_per_second(suite, encoder, gpus, arguments.seconds) for gpus in (0, 1))
            print(f"{name}: {here:.1f} updates/s on a core, {there:.1f} on the GPU", flush=True)
            bars[name] = Bar(there / here, 1, "x")
    report("gpu_learner", bars)


if __name__ == "__main__":
    main()
