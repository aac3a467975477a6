"""What comes with the package beside code: policies that are ready, and the recipes that have trained them.

`pretrained/<problem>/` is a policy with its model card; where it has been trained from other seeds, too, those are
`pretrained/<problem>/other_seeds/<seed>/`. `pretrained/kernel_tuning/knowledge/` is what GA-DQN knows of kernels, and
`recipes/<name>.toml` holds options of `tunewright train`.
"""

from __future__ import annotations

from pathlib import Path

from models.policy import CARD
from rllib_envs.names import choose

HERE = Path(__file__).resolve().parent
PRETRAINED, RECIPES = HERE / "pretrained", HERE / "recipes"


def shipped_policies(problem: str) -> list[Path]:
    """The folders of the problem's policies: the one to use, then those of other seeds. None may be shipped."""
    folder = PRETRAINED / problem
    return [card.parent for card in (folder / CARD, *sorted(folder.glob(f"other_seeds/*/{CARD}"))) if card.exists()]


def shipped_knowledge() -> Path | None:
    """The folder of what GA-DQN has learnt of kernels, for tuners of others; None where none is shipped."""
    folder = PRETRAINED / "kernel_tuning" / "knowledge"
    return folder if folder.exists() else None


def find_recipe(name: str) -> Path:
    """The file of a recipe. UserError for a name that there isn't."""
    known = {path.stem: path for path in RECIPES.glob("*.toml")}
    return known[choose(name, sorted(known), "recipe")]
