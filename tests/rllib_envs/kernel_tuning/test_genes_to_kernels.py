"""Genes become kernels that compute the right thing, and come back from the schedules that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.gene_space import ChoiceKnob, LocationKnob, TileKnob
from rllib_envs.kernel_tuning.measure import KernelMeasurer
from rllib_envs.kernel_tuning.task import KernelTask
from tests.rllib_envs.kernel_tuning.kernels import CONV2D, DENSE, TASKS


@pytest.mark.parametrize("name", TASKS)
def test_random_genes_are_verified_and_timed(measurer: KernelMeasurer, name: str) -> None:
    task = TASKS[name]
    space = measurer.open(task).space
    rng = np.random.default_rng(1)
    for _ in range(3):
        measured = measurer.measure(task, space.random(rng))
        assert (measured.status, measured.reason) == ("ok", "")
        assert 0 < task.flops / measured.seconds / 1e9 < 1.2 * measurer.ready().peak_gflops
        assert measured.spread >= 0 < measured.build_seconds and measured.run_seconds >= 10 * measured.seconds
    untuned = measurer.measure_untuned(task)
    assert untuned.status == "ok" and untuned.canonical is None


@pytest.mark.parametrize("name", TASKS)
def test_canonical_genes_are_fixed_points(measurer: KernelMeasurer, name: str) -> None:
    task = TASKS[name]
    space = measurer.open(task).space
    rng = np.random.default_rng(2)
    genes = [space.random(rng) for _ in range(20)]
    canonical = measurer.canonical(task, genes)
    assert None not in canonical
    assert measurer.canonical(task, canonical) == canonical
    repaired = {place for gene, other in zip(genes, canonical, strict=True) for place in _changed(gene, other)}
    assert all(isinstance(space.knobs[place], LocationKnob) for place in repaired)
    if name in ("conv2d", "depthwise"):
        assert repaired, "some of twenty random locations are not legal"


def _changed(gene, other) -> list[int]:
    return [place for place, (one, two) in enumerate(zip(gene, other, strict=True)) if one != two]


def test_genes_with_one_canonical_gene_are_one_schedule(measurer: KernelMeasurer) -> None:
    task = TASKS["conv2d"]
    space = measurer.open(task).space
    (place,) = (index for index, knob in enumerate(space.knobs) if isinstance(knob, LocationKnob))
    gene = [knob.choices // 2 if isinstance(knob, TileKnob) else 0 for knob in space.knobs]
    genes = [(*gene[:place], choice, *gene[place + 1 :]) for choice in range(space.knobs[place].choices)]
    canonical = measurer.canonical(task, genes)
    assert len(set(canonical)) < len(genes)
    for one, other in zip(genes, canonical, strict=True):
        assert measurer.measure(task, one).canonical == other


def test_knobs_say_what_they_decide(measurer: KernelMeasurer) -> None:
    space = measurer.open(TASKS["dense"]).space
    rows, columns, terms, unroll = space.knobs
    assert [knob.extent for knob in (rows, columns, terms)] == [16, 32, 8]
    assert (rows.levels, terms.levels) == (4, 2)
    assert unroll == ChoiceKnob("unroll_explicit_3", (0.0, 16.0, 64.0, 512.0))
    locations = [knob for knob in measurer.open(TASKS["conv2d"]).space.knobs if isinstance(knob, LocationKnob)]
    assert len(locations) == 1 and locations[0].depths[:3] == (-2, -1, 0)


def test_few_factors_make_a_small_space(measurer: KernelMeasurer) -> None:
    task = KernelTask.from_spec({**DENSE, "factors": [1, 2, 8, 16]})
    space = measurer.open(task).space
    assert space.size < measurer.open(TASKS["dense"]).space.size
    tiles = [knob for knob in space.knobs if isinstance(knob, TileKnob)]
    assert {factor for knob in tiles for tile in knob.factors for factor in tile} <= {1, 2, 8, 16}
    assert measurer.measure(task, space.random(np.random.default_rng(4))).status == "ok"


def test_designs_are_chosen_by_number(measurer: KernelMeasurer) -> None:
    found = measurer.open(TASKS["dense"])
    last = KernelTask.from_spec({**DENSE, "design": found.designs - 1})
    assert measurer.open(last).design == found.designs - 1
    assert measurer.measure(last, (0,) * len(measurer.open(last).space.knobs)).status == "ok"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"design": 99}, "design is 99; this kernel has the design spaces 0 to "),
        ({"factors": [3]}, "factors [3] give no 4 tiles of a loop of 16"),
        ({"target": "cuda"}, "target 'cuda' is not on this machine"),
        ({"target": "sapphirerapids-max"}, "target 'sapphirerapids-max' is not on this machine"),
    ],
)
def test_what_the_machine_or_tvm_lacks_is_named(measurer: KernelMeasurer, changes, words: str) -> None:
    with pytest.raises(UserError) as refusal:
        measurer.open(KernelTask.from_spec({**DENSE, **changes}))
    assert words in str(refusal.value)


def test_processors_of_other_abilities(measurer: KernelMeasurer) -> None:
    """The oldest runs everywhere; one with instructions that are nowhere yet is refused by name."""
    old = KernelTask.from_spec({**DENSE, "target": "x86-64"})
    assert measurer.measure(old, (0,) * len(measurer.open(old).space.knobs)).status == "ok"
    with pytest.raises(UserError, match=r"target 'diamondrapids' has .* which this machine's processor"):
        measurer.open(KernelTask.from_spec({**CONV2D, "target": "diamondrapids"}))


def test_what_is_no_gene_is_refused(measurer: KernelMeasurer) -> None:
    with pytest.raises(UserError, match="has 4 choices"):
        measurer.measure(TASKS["dense"], (0,))
    with pytest.raises(UserError, match="knob 'unroll_explicit_3' has the choices 0 to 3"):
        measurer.canonical(TASKS["dense"], [(0, 0, 0, 4)])
