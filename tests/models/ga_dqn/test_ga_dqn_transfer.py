"""What was learnt on one kernel serves another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.ga_dqn.knowledge import read_knowledge, write_knowledge
from models.ga_dqn.settings import GADQNSettings
from models.ga_dqn.tuner import GADQNTuner
from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.synthetic import TASKS, conv2d, dense
from tests.models.ga_dqn.tuners import play

SETTINGS = GADQNSettings()


def test_knowledge_of_a_convolution_helps_with_a_product() -> None:
    """Against the same tuner with uniform choices, over the first hundred trials of five seeds."""
    knowledge = None
    for seed, other in enumerate((TASKS[1], TASKS[2], TASKS[7])):
        tuner = GADQNTuner(other.space, 100 + seed, 160, SETTINGS, knowledge)
        play(tuner, 160, other)
        knowledge = tuner.knowledge()
    task, ratios = dense(256, 256, 256), []
    for seed in range(5):
        areas = []
        for settings, known in ((SETTINGS, knowledge), (GADQNSettings(choice="uniform"), None)):
            tuner = GADQNTuner(task.space, seed, 100, settings, known)
            play(tuner, 100, task)
            areas.append(np.maximum.accumulate(tuner.scores).mean())
        ratios.append(np.log(areas[0] / areas[1]))
    assert np.mean(ratios) > 0


def test_it_comes_back_from_disk_for_another_kernel(tmp_path: Path) -> None:
    source = GADQNTuner(dense(64, 64, 64).space, 0, 64, SETTINGS)
    play(source, 64, dense(64, 64, 64))
    write_knowledge(tmp_path / "knowledge", source.knowledge(), SETTINGS, {"kernels": ["dense_64"]})
    known = read_knowledge(tmp_path / "knowledge", SETTINGS)
    task = conv2d(64, 28, 32, 3)
    direct = GADQNTuner(task.space, 1, 64, SETTINGS, source.knowledge())
    loaded = GADQNTuner(task.space, 1, 64, SETTINGS, known)
    assert play(direct, 64, task) == play(loaded, 64, task)


def test_knowledge_for_networks_of_another_size_is_refused(tmp_path: Path) -> None:
    source = GADQNTuner(dense(64, 64, 64).space, 0, 64, SETTINGS)
    write_knowledge(tmp_path / "knowledge", source.knowledge(), SETTINGS, {})
    with pytest.raises(UserError, match=r"ga_dqn\.safetensors: weights"):
        read_knowledge(tmp_path / "knowledge", GADQNSettings(hidden=32))
    with pytest.raises(UserError, match="does not exist"):
        read_knowledge(tmp_path / "nowhere", SETTINGS)


def test_fresh_networks_explore_less_and_less_and_trained_ones_little() -> None:
    space = dense(64, 64, 64).space
    tuner = GADQNTuner(space, 0, 64, SETTINGS)
    epsilons = []
    for _ in range(8):
        epsilons.append(tuner.epsilon)
        play(tuner, 8, dense(64, 64, 64))
    start, end = SETTINGS.epsilon
    assert epsilons[0] == start and epsilons[4:] == pytest.approx([end] * 4)
    assert epsilons[:5] == sorted(epsilons[:5], reverse=True)
    assert GADQNTuner(space, 0, 64, SETTINGS, tuner.knowledge()).epsilon == SETTINGS.trained_epsilon
