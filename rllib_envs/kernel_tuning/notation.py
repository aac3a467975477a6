"""Genes as one line of text, such as `tile_0_128=4x8x1x4 unroll_explicit_3=16 location_8=root`, and back."""

from __future__ import annotations

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, Gene, GeneSpace, Knob, TileKnob

PLACES = {-2: "inlined", -1: "root"}


def candidate_text(knob: Knob, choice: int) -> str:
    """One candidate, without the knob's name."""
    if isinstance(knob, TileKnob):
        return "x".join(map(str, knob.factors[choice]))
    if isinstance(knob, ChoiceKnob):
        return f"{knob.values[choice]:g}"
    return PLACES.get(knob.depths[choice], str(knob.depths[choice]))


def gene_text(space: GeneSpace, gene: Gene) -> str:
    return " ".join(_part(knob, choice) for knob, choice in zip(space.knobs, gene, strict=True))


def _part(knob: Knob, choice: int) -> str:
    return f"{knob.name}={candidate_text(knob, choice)}"


def parse_gene(space: GeneSpace, text: str) -> Gene:
    """UserError where the text is of no gene of the space."""
    parts = text.split(" ")
    if len(parts) != len(space.knobs):
        raise UserError(f"{text!r} has {len(parts)} parts; a gene of this kernel has {len(space.knobs)}")
    gene = []
    for knob, part in zip(space.knobs, parts, strict=True):
        known = {_part(knob, choice): choice for choice in range(knob.choices)}
        if part not in known:
            raise UserError(f"{part!r} is no candidate of this kernel's knob {knob.name!r}")
        gene.append(known[part])
    return tuple(gene)
