"""The device: hops on rows and grids, with and without pass timing, and how a topology is written."""

from __future__ import annotations

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.streaming_engine.device import BadDevice, Device, parse_topology
from rllib_envs.streaming_engine.rules import Rules


@pytest.mark.parametrize(
    ("text", "device"),
    [
        ("16 6", Device(1, 16, 6)),
        ("4 1 3", Device(4, 1, 3)),
        ("4x4x6", Device(4, 4, 6)),
        (["16", "6"], Device(1, 16, 6)),
    ],
)
def test_topologies(text, device):
    assert parse_topology(text) == device
    assert parse_topology(" ".join(map(str, device.topology))) == device


@pytest.mark.parametrize("text", ["", "16", "1 2 3 4", "16 six", "0 6", "16 -1", "100000 6", "16 65", "1e3 6"])
def test_topologies_that_make_no_sense(text):
    with pytest.raises(BadDevice) as error:
        parse_topology(text)
    assert "\n" not in str(error.value)


def test_hops_of_a_row_and_a_grid():
    row = Device(1, 5, 3).hops()
    assert row.dtype == np.int16 and row[0].tolist() == [0, 1, 2, 3, 4] and (row == row.T).all()
    assert Device(5, 1, 3).hops().tolist() == row.tolist()
    grid = Device(2, 3, 3).hops()
    assert grid[0].tolist() == [0, 1, 2, 1, 2, 3]


def test_pass_timing_doubles_hops_beyond_the_second():
    assert Device(1, 6, 3).hops(pass_timing=True)[0].tolist() == [0, 1, 2, 4, 6, 8]


def test_distance_is_the_hop_matrix():
    rng = np.random.default_rng(0)
    for device in (Device(1, 16, 6), Device(4, 4, 6), Device(7, 1, 2), Device(3, 5, 2)):
        for pass_timing in (False, True):
            one, other = rng.integers(device.tiles, size=(2, 50)).astype(np.int16)
            expected = device.hops(pass_timing)[one, other]
            assert (device.distance(one, other, pass_timing) == expected).all()


def test_devices_and_rules_survive_json():
    device, rules = Device(2, 3, 4, 5), Rules(sibling=False, pass_timing=True)
    assert Device.from_spec(device.to_spec()) == device and Rules.from_spec(rules.to_spec()) == rules
    assert hash(Device.from_spec(device.to_spec())) == hash(device)


@pytest.mark.parametrize("spec", [{"tiles": 3}, {"rows": "4"}, {"rows": True}, {"rows": 1.5}])
def test_bad_device_specs(spec):
    with pytest.raises(BadDevice):
        Device.from_spec(spec)


@pytest.mark.parametrize("spec", [{"siblings": True}, {"sibling": 1}])
def test_bad_rules(spec):
    with pytest.raises(UserError):
        Rules.from_spec(spec)
