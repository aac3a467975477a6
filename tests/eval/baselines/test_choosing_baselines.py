"""Which baselines a comparison has, and what they need."""

from __future__ import annotations

import pickle
from importlib import metadata
from pathlib import Path

import pytest

from eval.baselines import LIBRARY, Baselines, known_baselines
from eval.baselines.limits import TuningLimits
from eval.baselines.protocol import NotAvailable
from eval.baselines.shapes import shaped_tensors
from rllib_envs.errors import UserError
from rllib_envs.loop_nest import LoopNest
from rllib_envs.loop_nest.kinds import KINDS, make_statement
from rllib_envs.loop_nest.statement import Statement
from rllib_envs.toy import Toy
from rllib_envs.tvm_installed import missing


def names(text: str, problem=None) -> tuple[str, ...]:
    return Baselines.parse(text, problem or LoopNest()).names


def test_by_name_all_or_the_cheap_ones() -> None:
    assert names("tvm_metaschedule, numpy") == ("tvm_metaschedule", "numpy")
    assert names("all") == ("numpy", *LIBRARY)
    assert names("") == ("numpy", "torch", "tvm", "tvm_tiled")


def test_other_problems_have_their_own() -> None:
    assert known_baselines(Toy()) == [] and names("", Toy()) == names("all", Toy()) == ()
    with pytest.raises(UserError, match="unknown baseline of toy 'tvm'; known: none"):
        names("tvm", Toy())


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UserError, match="unknown baseline of loop_nest 'tvm_tile'; did you mean 'tvm_tiled'"):
        names("numpy,tvm_tile")
    with pytest.raises(UserError, match="'numpy' was given twice"):
        names("numpy,tvm,numpy")
    for limits in ({"trials": 0}, {"seconds": 0.0}, {"seconds": float("nan")}):
        with pytest.raises(UserError, match="at least 1 trial and more than 0 seconds"):
            TuningLimits(**limits)


def test_a_choice_survives_pickling() -> None:
    chosen = Baselines(("numpy", "tvm"), TuningLimits(7, 8.0, Path("somewhere")))
    copy = pickle.loads(pickle.dumps(chosen))  # noqa: S301
    assert copy == chosen and copy.limits.folder == Path("somewhere")
    assert list(copy(LoopNest())) == ["numpy", "tvm"]


def test_the_first_package_that_is_missing_is_named() -> None:
    assert missing(("tvm", "no_such_package", "nor_this_one")) == (
        "no_such_package is not installed: pip install 'tunewright[tvm]'"
    )


@pytest.mark.parametrize(("version", "works"), [("0.1.14.post1", True), ("0.1.15", False), ("0.1.15.post2", False)])
def test_a_version_that_crashes_tvm_is_named(monkeypatch: pytest.MonkeyPatch, version: str, works: bool) -> None:
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: version if name == "apache-tvm-ffi" else real(name))
    crashes = f"TVM crashes with apache-tvm-ffi {version}: pip install 'tunewright[tvm]'"
    assert missing(("tvm",)) == ("" if works else crashes)
    assert missing(()) == "", "nobody else needs it"


@pytest.mark.parametrize("kind", KINDS)
def test_tensors_have_the_extents_that_their_strides_span(kind: str) -> None:
    statement = make_statement(kind, {name: 3 + index for index, name in enumerate(KINDS[kind].order.split())})
    tensors = shaped_tensors(statement)
    for tensor, access, elements in zip(tensors, statement.accesses, statement.elements, strict=True):
        size = 1
        for extent in tensor.extents:
            size *= extent
        assert size == elements and tensor.variables == {name for name, _ in access}


def test_of_a_statement_without_kind_dense_tensors_alone_are_known() -> None:
    sizes = (("i", 4), ("j", 1), ("k", 6))
    dense = Statement(sizes, (("i", 1), ("j", 4)), ((("k", 4), ("i", 1)), (("k", 1), ("j", 6))))
    assert [tensor.extents for tensor in shaped_tensors(dense)] == [(1, 4), (6, 4), (1, 6)]
    padded = Statement(sizes, (("i", 1), ("j", 4)), ((("k", 5), ("i", 1)), (("k", 1), ("j", 6))))
    with pytest.raises(NotAvailable, match="not dense"):
        shaped_tensors(padded)
