"""What was measured is on the disk at once, and nothing of it is measured again."""

from __future__ import annotations

import json
import math

import pytest

from eval.budget import Budget
from eval.compare import carry_out
from eval.journal import JOURNAL, Journal, read_journal
from eval.plan import Plan
from eval.setting import setting_of
from eval.trial import Clock
from models.store.atomic import NotWritten
from rllib_envs.errors import UserError
from rllib_envs.problem import Benchmark, Evaluation
from tests.eval.conftest import dials

METHODS = ["policy", "greedy2", "random"]
SEARCHES = 4 * 2 * 4
"""Benchmarks, seeds, and the methods with the one that depends on the policy's time."""


def plan(tasks, policy, **changes) -> Plan:
    usual = {"benchmarks": tasks, "methods": METHODS, "budget": Budget(seconds=9), "seeds": (0, 1)}
    return Plan.make(**usual | changes, policy=policy, policy_multiple=2)


@pytest.fixture
def benchmarks() -> list[Benchmark]:
    """With so many states that random search does not run out of new ones."""
    return [dials(3, 5, 2), dials(5, 2, 4), dials(1, 6, 2), dials(4, 4, 1)]


@pytest.fixture
def whole(toy, clock, benchmarks, policy):
    """The comparison without any interruption."""
    return carry_out(toy, plan(benchmarks, policy), clock=clock)


@pytest.fixture
def carried_out(toy, clock, benchmarks, policy, tmp_path):
    """Carries out the same comparison in a folder, as far as it gets; a policy's digest is part of its setting."""

    def carry(digest: str = "abc", progress=None, **changes):
        chosen = plan(benchmarks, policy, **changes)
        with Journal(tmp_path, setting_of(toy, chosen, digest)) as journal:
            return carry_out(toy, chosen, journal=journal, clock=clock, progress=progress)

    return carry


def interrupt_after(count: int):
    def progress(step):
        if step.done == count:
            raise KeyboardInterrupt

    return progress


def kinds(tmp_path) -> list[str]:
    return [line["kind"] for line in read_journal(tmp_path)[1]]


@pytest.mark.parametrize("count", [1, 7, 8, 20, SEARCHES])
def test_interrupted_and_gone_on_with_is_the_same_as_not_interrupted(whole, carried_out, toy, count, tmp_path):
    if count <= 8:
        with pytest.raises(KeyboardInterrupt):
            carried_out(progress=interrupt_after(count))
    else:
        assert carried_out(progress=interrupt_after(count)).interrupted
    assert kinds(tmp_path).count("search") == count
    steps = []
    assert carried_out(progress=steps.append) == whole
    assert [step.done for step in steps] == list(range(count + 1, SEARCHES + 1))
    toy.calls.clear()
    assert carried_out() == whole
    assert not toy.calls, "nothing was left to measure"


def test_every_search_is_there_when_it_has_ended(carried_out, tmp_path):
    counts = []
    carried_out(progress=lambda step: counts.append((step.done, kinds(tmp_path).count("search"))))
    assert counts == [(count, count) for count in range(1, SEARCHES + 1)]
    assert kinds(tmp_path).count("scores") == 4
    for line in (tmp_path / JOURNAL).read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


@pytest.mark.parametrize("cut", [1, 30, 400])
def test_a_torn_last_line_is_done_again(whole, carried_out, tmp_path, cut):
    carried_out()
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes()[:-cut])
    assert carried_out() == whole
    assert all(json.loads(line) for line in path.read_text().splitlines())


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: b"\0" * len(line),
        lambda line: b'{"kind": "search", "benchmark": "3_5_2"}',
        lambda line: line.replace(b'"raise"', b'"rise"'),
        lambda line: line.replace(b'"curve": [[', b'"curve": [[1, '),
    ],
)
def test_a_damaged_line_is_done_again(whole, carried_out, tmp_path, damage, caplog):
    carried_out()
    path = tmp_path / JOURNAL
    lines = path.read_bytes().splitlines()
    lines[2] = damage(lines[2])
    path.write_bytes(b"\n".join(lines) + b"\n")
    assert carried_out() == whole


def test_a_journal_that_was_torn_at_its_first_line_begins_anew(whole, carried_out, tmp_path):
    (tmp_path / JOURNAL).write_bytes(b'{"kind": "compar')
    assert carried_out() == whole


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": Budget(seconds=10)}, "budget was 9 s and is now 10 s"),
        ({"seeds": (0, 1, 2)}, "seeds was 0 1 and is now 0 1 2"),
        ({"methods": ["policy", "random"]}, "methods was policy greedy2 random"),
        ({"horizon": 3}, "steps was 16 and is now 3"),
        ({"benchmarks": [Benchmark("3", "toy", {"targets": [4]})]}, "benchmarks was 4 with hash"),
        ({"digest": "another"}, "policy was abc and is now another"),
    ],
)
def test_other_conditions_are_refused_with_the_difference(carried_out, tmp_path, changes, message):
    carried_out(progress=None)
    before = (tmp_path / JOURNAL).read_bytes()
    with pytest.raises(UserError, match=message) as caught:
        carried_out(**changes)
    assert "\n" not in str(caught.value) and str(caught.value).count(" was ") == 1
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_another_configuration_or_machine_is_another_setting(toy, benchmarks, policy, monkeypatch):
    chosen = plan(benchmarks, policy)
    first = setting_of(toy, chosen, "abc")
    monkeypatch.setattr(toy, "measured_on", lambda: "another processor", raising=False)
    assert {name for name, text in setting_of(toy, chosen, "abc").items() if first[name] != text} == {"hardware"}
    toy.config = {"horizon": 17}
    assert "problem's configuration" in {
        name for name, text in setting_of(toy, chosen, "abc").items() if first[name] != text
    }


def test_what_is_no_journal_and_what_is_in_use_is_refused(tmp_path):
    (tmp_path / JOURNAL).write_text('{"problem": "toy"}\n')
    with pytest.raises(UserError, match="no journal of a comparison"):
        Journal(tmp_path, {"budget": "1 s"})
    (tmp_path / JOURNAL).unlink()
    with Journal(tmp_path, {"budget": "1 s"}), pytest.raises(UserError, match="another process is comparing"):
        Journal(tmp_path, {"budget": "1 s"})
    with Journal(tmp_path, {"budget": "2 s"}, replace=True) as journal:
        assert journal.lines == []
    assert read_journal(tmp_path) == ({"budget": "2 s"}, [])
    (tmp_path / "file").touch()
    with pytest.raises(NotWritten, match="can't be written"):
        Journal(tmp_path / "file", {})


def test_a_full_disk_keeps_what_was_measured(whole, carried_out, tmp_path, file_size_limit):
    with pytest.raises(NotWritten, match=r"can't be extended: .* make room"), file_size_limit(20_000):
        carried_out()
    text = (tmp_path / JOURNAL).read_text()
    assert text.endswith("\n") and 10 < text.count("\n") < SEARCHES
    assert carried_out() == whole


def test_values_that_json_does_not_have_come_back(toy, clock, tmp_path):
    """A benchmark that is worth nothing at its start has an infinite speed-up, and a baseline may have failed."""
    broken = {"numpy": lambda benchmark: Evaluation(0.0, "share", 1.0, error="crash")}
    chosen = Plan.make(
        [Benchmark("zero", "toy", {"targets": [7]})], ["greedy1"], Budget(evaluations=20), baselines=lambda _: broken
    )

    def carry(clock: Clock):
        with Journal(tmp_path, {}) as journal:
            return carry_out(toy, chosen, journal=journal, clock=clock)

    first, again = carry(clock), carry(clock)
    assert math.isinf(again.of("greedy1")[0].speedup) and math.isnan(again.of("numpy")[0].value)
    assert repr(first) == repr(again)
