"""Latencies: the sum of parts where they were measured, and a clear word where they were not."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.architecture import FAMILIES, architecture_of
from rllib_envs.network_scaling.latency import check_platform, find_latencies
from rllib_envs.network_scaling.latency_file import LatencyFile, Measured
from rllib_envs.network_scaling.latency_table import LatencyTable, OutsideMeasured, parts_of
from rllib_envs.network_scaling.networks import make_network
from rllib_envs.network_scaling.platforms import DEVICES_OF
from rllib_envs.network_scaling.profiles import PROFILES
from rllib_envs.network_scaling.scaling import Scaling, parse_scaling

EMPTY = LatencyFile("preactresnet18", True, "jetson", "cpu", 64, 3, 100, "a device", "by hand", "2026-01-01T00:00:00Z")
WIDTHS, RESOLUTIONS = (2, 5, 10), (8, 16, 32)


def power_law(part) -> float:
    return 1e-6 * part.channels**1.7 * part.size**1.1


def file_of(network="preactresnet18", law=power_law, widths=WIDTHS, resolutions=RESOLUTIONS) -> LatencyFile:
    """A table of a device on which every part takes what a law says."""
    rows = []
    for width in widths:
        for size in resolutions:
            parts = parts_of(architecture_of(network, Scaling(width, 20, size)))
            rows.append(Measured(width, size, 0.01, 1e-3, {part.name: law(part) for part in parts}))
    return replace(EMPTY, network=network, rows=tuple(rows))


@pytest.mark.parametrize("network", FAMILIES)
def test_parts_are_those_of_the_network(network):
    architecture = architecture_of(network, Scaling(3, 10, 24))
    built, parts = make_network(architecture), parts_of(architecture)
    assert tuple(part.name for part in parts) == built.names
    shapes = []
    for part in built.parts:
        part.register_forward_hook(lambda module, inputs, output: shapes.append((inputs[0].shape, output.shape)))
    built.eval()(torch.zeros(1, 3, 24, 24))
    for part, (into, _) in zip(parts, shapes, strict=True):
        assert part.size == into[-1]


def test_what_was_measured_comes_back():
    table = LatencyTable(file_of())
    for width in WIDTHS:
        for size in RESOLUTIONS:
            for depth in (5, 10, 20):
                architecture = architecture_of("preactresnet18", Scaling(width, depth, size))
                assert table.seconds(architecture) == pytest.approx(sum(map(power_law, parts_of(architecture))))


def test_powers_are_interpolated_without_a_loss():
    table = LatencyTable(file_of())
    for scaling in [(0.3, 1.0, 12), (0.7, 1.5, 27), (0.9, 2.0, 31), (0.4, 0.1, 9)]:
        architecture = architecture_of("preactresnet18", parse_scaling(*scaling))
        assert table.seconds(architecture) == pytest.approx(sum(map(power_law, parts_of(architecture))), rel=1e-9)


def test_curved_laws_are_interpolated_between_their_neighbours():
    table = LatencyTable(file_of(law=lambda part: 1e-4 + power_law(part)))
    low, middle, high = (
        table.seconds(architecture_of("preactresnet18", parse_scaling(width, 1.0, 16))) for width in (0.5, 0.7, 1.0)
    )
    assert low < middle < high


@pytest.mark.parametrize("scaling", [(0.1, 1.0, 16), (1.1, 1.0, 16), (0.5, 1.0, 7), (0.5, 1.0, 33)])
def test_outside_of_what_was_measured_is_an_error(scaling):
    table = LatencyTable(file_of())
    with pytest.raises(OutsideMeasured, match=r"widths 0.2 to 1, 8 to 32 pixels"):
        table.seconds(architecture_of("preactresnet18", parse_scaling(*scaling)))
    low, high = table.within
    assert (low.width, high.width, low.resolution, high.resolution) == (2, 10, 8, 32)


def test_a_table_of_other_networks_is_refused():
    table = LatencyTable(file_of())
    with pytest.raises(UserError, match="is of preactresnet18 with 3 channels and 100 classes, not of"):
        table.seconds(architecture_of("preactresnet34", Scaling(5, 10, 16)))
    with pytest.raises(UserError, match="not of preactresnet18 with 1 channels and 10 classes"):
        table.seconds(architecture_of("preactresnet18", Scaling(5, 10, 16), 1, 10))


def test_unfinished_tables_are_refused():
    whole = file_of()
    with pytest.raises(UserError, match="lacks width 1 at 32 pixels; measure the rest"):
        LatencyTable(replace(whole, rows=whole.rows[:-1]))
    with pytest.raises(UserError, match="lacks all networks"):
        LatencyTable(replace(whole, rows=()))


def test_rows_of_a_slow_moment_count_as_of_the_fastest():
    rows = file_of().rows
    slow = [row._replace(pace=2e-3, seconds={part: 2 * one for part, one in row.seconds.items()}) for row in rows[::2]]
    mixed = LatencyTable(replace(EMPTY, rows=(*slow, *rows[1::2])))
    steady = LatencyTable(file_of())
    assert mixed.file.pace == 1e-3
    for scaling in (Scaling(2, 10, 8), Scaling(5, 20, 32), Scaling(7, 15, 20)):
        architecture = architecture_of("preactresnet18", scaling)
        assert mixed.seconds(architecture) == pytest.approx(steady.seconds(architecture))


def test_files_come_back(tmp_path):
    whole = file_of("efficientnet_b0")
    whole.write(tmp_path / "new" / whole.name)
    assert LatencyFile.read(tmp_path / "new" / whole.name) == whole
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["jetson_cpu_efficientnet_b0_3x100.json"]


def edited(**changes):
    return lambda content: {**content, **changes}


def first_row(**changes):
    return lambda content: {**content, "rows": [{**content["rows"][0], **changes}, *content["rows"][1:]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (edited(latency_table=1), "another version"),
        (edited(network="vgg"), "unknown vgg"),
        (edited(platform="raspberrypi", device="cuda"), "unknown preactresnet18 on raspberrypi cuda"),
        (edited(batch=0), "positive whole numbers"),
        (edited(scaled_stem=1), "a text or a flag"),
        (edited(extra=1), "extra"),
        (first_row(width=0), "a network of width 0"),
        (first_row(width=2.5), "a network of width 2.5"),
        (first_row(seconds={"stem": -1.0}), "no positive number"),
        (first_row(seconds={"stem": math.inf}), "no positive number"),
        (first_row(repeat=math.nan), "no positive number"),
        (first_row(pace=0.0), "no positive number"),
        (lambda content: [content], "no JSON object"),
    ],
)
def test_files_that_make_no_sense_are_named(change, message, tmp_path):
    path = tmp_path / "table.json"
    file_of().write(path)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(UserError) as refused:
        LatencyFile.read(path)
    assert message in str(refused.value) and str(path) in str(refused.value)


def test_own_tables_come_before_the_model(tmp_path):
    wanted = ("preactresnet18", "jetson", "cpu", 3, 100)
    modelled = find_latencies(*wanted, folders=(tmp_path,))
    assert not modelled.measured and "modelled after" in modelled.about
    file_of().write(tmp_path / EMPTY.name)
    measured = find_latencies(*wanted, folders=(tmp_path,))
    assert measured.measured and measured.about == "measured on a device"
    assert find_latencies(*wanted, scaled_stem=False, folders=(tmp_path,)) == modelled, "it is of other networks"


def test_where_there_is_neither_table_nor_model_the_way_to_one_is_told(tmp_path):
    with pytest.raises(UserError, match=r"no table of latencies raspberrypi_cpu_efficientnet_b0_3x100.json.*script"):
        find_latencies("efficientnet_b0", "raspberrypi", "cpu", 3, 100, folders=(tmp_path,))


@pytest.mark.parametrize(
    ("platform", "device", "message"),
    [("rasberrypi", "cpu", "did you mean 'raspberrypi'"), ("raspberrypi", "cuda", "unknown device of raspberrypi")],
)
def test_unknown_platforms_are_refused(platform, device, message):
    with pytest.raises(UserError, match=message):
        check_platform(platform, device)


def test_there_is_a_model_for_each_device():
    assert set(PROFILES) == {(platform, device) for platform, devices in DEVICES_OF.items() for device in devices}


@pytest.mark.parametrize(
    ("device", "scaling", "seconds"),
    [
        (("raspberrypi", "cpu"), (1.0, 1.0, 32), 1.955),
        (("raspberrypi", "cpu"), (1.5, 1.0, 32), 3.431),
        (("desktop", "cpu"), (1.0, 1.0, 32), 0.046),
        (("desktop", "cpu"), (1.5, 1.0, 32), 0.102),
        (("desktop", "cuda"), (1.0, 1.0, 32), 0.020),
        (("desktop", "cuda"), (1.5, 1.0, 32), 0.029),
        (("jetson", "cpu"), (1.4, 1.4, 32), 0.89),
        (("jetson", "cuda"), (1.9, 1.1, 36), 0.35),
    ],
)
def test_models_agree_with_the_figures_that_they_were_fitted_to(device, scaling, seconds):
    architecture = architecture_of("preactresnet18", parse_scaling(*scaling), scaled_stem=False)
    assert PROFILES[device].seconds(architecture) == pytest.approx(seconds, rel=0.005)
