"""The scaling problem: every state keeps its bounds, every step is a whole one, and what is known isn't trained."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest

from rllib_envs.errors import IllegalAction, UserError
from rllib_envs.network_scaling.accuracy_table import AccuracyTable
from rllib_envs.network_scaling.grid import Grid
from rllib_envs.network_scaling.problem import NetworkScaling
from rllib_envs.network_scaling.scaling import Scaling
from rllib_envs.network_scaling.surface import ToySurface
from rllib_envs.network_scaling.task import NoArchitecture
from rllib_envs.problem import STOP, Benchmark
from tests.rllib_envs.network_scaling.scaled import DIGITS, TOY, benchmark

MODERATE = benchmark(0.012, 2.0)


@pytest.fixture
def problem(tmp_path):
    return NetworkScaling(folder=str(tmp_path))


@pytest.fixture(scope="module")
def table():
    return AccuracyTable.read(DIGITS)


def walk(problem, task, steps, seed=0):
    rng, state = np.random.default_rng(seed), problem.initial(task)
    for _ in range(steps):
        yield state
        state = problem.apply(state, int(rng.choice(np.flatnonzero(problem.legal(state)))))


@pytest.mark.parametrize(("moves", "actions"), [("joint", 27), ("axis", 7)])
def test_each_action_is_a_step_on_the_grid(moves, actions, problem):
    problem = NetworkScaling(moves, folder=str(problem.folder))
    assert len(problem.actions) == actions and problem.actions.count(STOP) == 1
    assert {"wider", "narrower", "deeper", "shallower", "finer", "coarser"} <= set(problem.actions)
    state = problem.initial(benchmark(10.0, 100.0, start=[0.2, 0.5, 6]))
    grid = state.task.surface.grid
    assert grid.scaling(state.place) == Scaling(2, 5, 6)
    after = {name: grid.scaling(problem.apply(state, index).place)
             for index, name in enumerate(problem.actions) if problem.legal(state)[index]}  # fmt: skip
    assert after["wider"] == Scaling(3, 5, 6) and after["narrower"] == Scaling(1, 5, 6)
    assert after["deeper"] == Scaling(2, 10, 6) and after["finer"] == Scaling(2, 5, 8) and after[STOP] == (2, 5, 6)
    if moves == "joint":
        assert after["narrower_deeper_coarser"] == Scaling(1, 10, 5)


def test_every_state_keeps_the_bounds_and_the_mask_says_why_not(problem):
    for state in walk(problem, MODERATE, 200):
        usage = state.task.surface.usage(state.place)
        assert usage.latency <= 0.012 and usage.memory <= 2.0
        for action in np.flatnonzero(~problem.legal(state)):
            with pytest.raises(IllegalAction, match=r"end of the grid|takes .* s and .* MB; bounds 0.012 s and 2 MB"):
                problem.apply(state, int(action))


def test_accuracies_are_those_of_the_table(problem, table):
    for state in walk(problem, MODERATE, 30):
        architecture = table.setting.architecture(table.grid.scaling(state.place))
        found = problem.evaluate(state)
        seeds = [
            record["value"] for record in map(json.loads, table.records.read_text().splitlines())
            if record["solution"].startswith(architecture.key + " seed")
        ]  # fmt: skip
        assert len(seeds) == 2 and found.value == pytest.approx(np.mean(seeds)) and found.verified
        assert found.details["spread"] == pytest.approx(np.std(seeds))
        assert found.unit == "% accuracy" and found.scale == 10.0
    assert not problem.folder.exists() or not list(problem.folder.iterdir()), "nothing was trained"


def test_the_start_is_made_smaller_until_it_fits(problem):
    assert problem.initial(benchmark(10.0, 100.0)).place == (3, 1, 4)
    state = problem.initial(benchmark(10.0, 1.0))
    assert state.task.surface.text(state.place) == "(0.2, 0.5, 10)", "one step narrower and shallower at a time"
    state = problem.initial(benchmark(0.004, 100.0))
    assert state.task.surface.text(state.place) == "(0.1, 0.5, 6)", "then coarser"


def test_impossible_bounds_are_an_error_with_the_nearest_miss(problem):
    with pytest.raises(NoArchitecture) as refused:
        problem.initial(benchmark(0.001, 0.15))
    message = str(refused.value)
    assert message.startswith("There are no possible architecture satisfying constraints!")
    assert (
        "nearest miss is (0.1, 0.5, 4), which takes 0.001643 s and 0.1853 MB" in message
        and refused.value.exit_code == 4
    )


def test_observations_say_what_is_left_of_the_bounds(problem):
    tight, loose = (problem.initial(benchmark(latency, 100.0, start=[0.1, 0.5, 4])) for latency in (0.002, 20.0))
    assert tight.place == loose.place
    one, other = (problem.observe(state) for state in (tight, loose))
    assert one.globals[0] > other.globals[0] and one.globals[4] < other.globals[4], "latency, and its bound"
    assert one.globals[1] == other.globals[1]
    assert not one.tokens[2, -1] and other.tokens[2, -1], "whether a finer one fits"
    assert one.tokens.shape == (3, problem.spec.token_features)


def test_states_travel_without_what_is_remembered(problem):
    state = next(walk(problem, MODERATE, 1))
    problem.evaluate(state)
    data = pickle.dumps(state)
    assert len(data) < 1000 and pickle.loads(data) == state  # noqa: S301
    assert pickle.loads(pickle.dumps(problem)).config == problem.config  # noqa: S301


def test_the_toy_has_its_optimum_where_it_is_said_to_be(problem):
    state = problem.initial(TOY)
    surface = state.task.surface
    assert isinstance(surface, ToySurface) and surface.text(state.place) == "(0.7, 0.7)"
    best = max(surface.grid.places(), key=surface.accuracy)
    assert surface.text(best) == "(0.5, 0.3)" and surface.accuracy(best) == 1.0
    usage = surface.usage(best)
    assert usage.latency == pytest.approx(0.34) and usage.memory == 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latency": 0}, "latency of a task of network scaling is 0; give a positive number"),
        ({"memory": "10"}, "memory of a task of network scaling is '10'"),
        ({"platform": "phone"}, "unknown platform 'phone'"),
        ({"device": "cuda"}, "unknown device of raspberrypi 'cuda'"),
        ({"table": "nowhere.json"}, "table of accuracies nowhere.json does not exist"),
        ({"table": "fashion"}, "unknown table of accuracies"),
        ({"colour": 1}, "has no 'colour'"),
        ({"start": [1]}, "start is [1]; give width, depth and resolution"),
        ({"start": [0.25, 1, 8]}, "width is 0.25; give a multiple of 0.1"),
        ({"seeds": 0}, "seeds is 0"),
        ({"scale": -1}, "scale of a task of network scaling is -1"),
        ({"grid": {"widths": [3]}}, "a table has a grid of its own"),
    ],
)
def test_specs_that_make_no_sense_are_refused(changes, message, problem):
    with pytest.raises(UserError) as refused:
        problem.initial(benchmark(**{"latency": 1.0, "memory": 10.0, **changes}))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"widths": [3, 2], "depths": [5], "resolutions": [4]}, "widths must be rising whole numbers from 1 to 50"),
        ({"widths": [3], "depths": [5], "resolutions": [3]}, "resolutions must be rising whole numbers from 4 to 224"),
        ({"widths": [3]}, "this is no grid"),
    ],
)
def test_grids_that_make_no_sense_are_refused(grid, message):
    with pytest.raises(UserError) as refused:
        Grid.from_json(grid)
    assert message in str(refused.value)


def test_without_a_table_live_is_needed(problem):
    spec = {"setting": {"network": "preactresnet18", "data": "digits"}, "latency": 1.0, "memory": 10.0}
    with pytest.raises(UserError, match="must be trained; set live to true"):
        problem.initial(Benchmark("live", "network_scaling", spec))
    del spec["setting"]
    with pytest.raises(UserError, match="needs a table of accuracies, or a setting"):
        problem.initial(Benchmark("nothing", "network_scaling", spec))


def test_on_its_whole_grid_no_step_leads_to_the_same_network(tmp_path):
    spec = {"setting": {"network": "preactresnet18", "data": "digits"}, "latency": 1e3, "memory": 1e4}
    problem = NetworkScaling(live=True, folder=str(tmp_path))
    state = problem.initial(Benchmark("live", "network_scaling", {**spec, "platform": "raspberrypi"}))
    grid, setting = state.task.surface.grid, state.task.setting
    assert grid.scaling((0, 0, 0)) == Scaling(1, 1, 4) and grid.scaling(state.place) == Scaling(10, 10, 32)
    assert grid.depths == (1, 10, 15, 20, 25, 30, 35, 40, 45, 50), "half a block more each"
    for axis in range(3):
        line = [tuple(index if axis == other else 0 for other in range(3)) for index in range(grid.shape[axis])]
        keys = [setting.architecture(grid.scaling(place)).key for place in line]
        assert len(set(keys)) == len(keys)


def test_unfinished_tables_are_refused_with_the_way_to_finish_them(tmp_path, table):
    path = tmp_path / "begun.json"
    path.write_text(table.path.read_text())
    path.with_suffix(".jsonl").write_text("".join(table.records.read_text().splitlines(keepends=True)[:50]))
    with pytest.raises(UserError, match=r"lacks 30 trainings; make them with: python launcher/network_scaling.py rec"):
        NetworkScaling(folder=str(tmp_path)).initial(benchmark(1.0, 10.0, table=str(path)))
