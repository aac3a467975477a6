"""A gene space as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, GeneSpace, Knob, LocationKnob, TileKnob


def space_to_json(space: GeneSpace) -> list[dict[str, Any]]:
    """One object a knob: its name, and its candidates under the name of their kind."""
    return [_knob_to_json(knob) for knob in space.knobs]


def space_from_json(content: Any) -> GeneSpace:
    """UserError for anything that `space_to_json` does not write."""
    try:
        return GeneSpace(tuple(_knob_from_json(knob) for knob in content))
    except UserError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UserError(f"this is no gene space: {type(error).__name__} {error}") from None


def _knob_to_json(knob: Knob) -> dict[str, Any]:
    match knob:
        case TileKnob():
            return {"name": knob.name, "factors": [list(factors) for factors in knob.factors]}
        case ChoiceKnob():
            return {"name": knob.name, "values": list(knob.values)}
        case LocationKnob():
            return {"name": knob.name, "depths": list(knob.depths)}


def _knob_from_json(content: Mapping[str, Any]) -> Knob:
    name = str(content["name"])
    if "factors" in content:
        return TileKnob(name, tuple(tuple(map(int, factors)) for factors in content["factors"]))
    if "values" in content:
        return ChoiceKnob(name, tuple(map(float, content["values"])))
    return LocationKnob(name, tuple(map(int, content["depths"])))
