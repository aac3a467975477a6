"""What comes with the package: policies that load and are small, and recipes that `tunewright train` takes."""

from __future__ import annotations

import pytest

from launcher.training.config_file import find_config, parse_train
from models.ga_dqn.knowledge import read_knowledge
from models.ga_dqn.settings import GADQNSettings
from models.policy import Policy
from models.shipped import PRETRAINED, RECIPES, find_recipe, shipped_knowledge, shipped_policies
from rllib_envs.errors import UserError
from rllib_envs.registry import PROBLEMS
from tests.conftest import ROOT

LARGEST = 2_000_000
"""Bytes of a policy."""


@pytest.fixture
def nothing_shipped() -> None:
    """These tests are of what is."""


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_shipped_policy_is_of_its_problem_and_small(problem: str) -> None:
    for folder in shipped_policies(problem):
        policy = Policy.load(folder)
        assert policy.problem == problem
        assert sum(path.stat().st_size for path in folder.glob("policy.*")) < LARGEST
        provenance = str(policy.provenance)
        assert "/tmp" not in provenance and "/root" not in provenance, "no paths of the machine that trained it"


def test_shipped_knowledge_is_small_and_can_be_read() -> None:
    folder = shipped_knowledge()
    if folder is not None:
        read_knowledge(folder, GADQNSettings())
        assert sum(path.stat().st_size for path in folder.iterdir()) < LARGEST


def test_every_shipped_policy_has_a_model_card() -> None:
    for folder in PRETRAINED.glob("*/"):
        assert (folder / "README.md").read_text().startswith("# ")


def test_recipes_are_what_training_takes() -> None:
    assert {path.stem for path in RECIPES.glob("*.toml")} <= set(PROBLEMS)
    for path in RECIPES.glob("*.toml"):
        config = parse_train(["--config", path.stem], prog="tunewright train")
        config.check()
        config.settings(path.stem)


def test_a_recipe_that_there_is_not_is_answered() -> None:
    with pytest.raises(UserError, match="recipe"):
        find_recipe("nothing_like_it")
    assert find_config(str(ROOT / "pyproject.toml")) == ROOT / "pyproject.toml"
