"""Scaled networks are what they were published to be, and arithmetic about them agrees with what PyTorch builds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rllib_envs.errors import UserError
from rllib_envs.network_scaling.architecture import FAMILIES, architecture_of
from rllib_envs.network_scaling.layers import FLOAT_BYTES, MEGABYTE, costs_of, layers_of, memory_of
from rllib_envs.network_scaling.networks import make_network
from rllib_envs.network_scaling.scaling import Scaling, parse_scaling

SCALINGS = [Scaling(1, 1, 4), Scaling(3, 15, 9), Scaling(6, 6, 32), Scaling(5, 20, 17)]


@pytest.mark.parametrize(
    ("scaling", "megabytes"),
    [((1.0, 1.0, 32), 48.18), ((0.6, 0.6, 32), 9.05), ((1.9, 1.1, 36), 167.54), ((1.4, 1.5, 32), 142.16)],
)
def test_memory_is_as_published(scaling, megabytes):
    """For PreActResNet-18 on CIFAR-100, whose stem was not scaled."""
    found = memory_of(architecture_of("preactresnet18", parse_scaling(*scaling), scaled_stem=False))
    assert found == pytest.approx(megabytes, abs=0.01)


def test_parameters_are_as_published():
    def parameters(network, *scaling):
        return costs_of(architecture_of(network, parse_scaling(*scaling), scaled_stem=False)).parameters

    assert parameters("preactresnet18", 1.0, 1.0, 32) == 11_217_316
    assert parameters("preactresnet18", 0.6, 0.6, 32) == 1_787_012
    imagenet = architecture_of("efficientnet", parse_scaling(1.0, 1.0, 224), classes=1000)
    assert costs_of(imagenet).parameters == 5_288_548
    assert costs_of(imagenet).multiply_adds / 1e9 == pytest.approx(0.39, abs=0.005)


@pytest.mark.parametrize("scaled_stem", [True, False])
@pytest.mark.parametrize("scaling", SCALINGS, ids=str)
@pytest.mark.parametrize("network", FAMILIES)
def test_layers_are_those_of_the_network(network, scaling, scaled_stem):
    architecture = architecture_of(network, scaling, channels=1, classes=10, scaled_stem=scaled_stem)
    built = make_network(architecture).eval()
    counted: list[int] = []
    for module in built.modules():
        if not isinstance(module, nn.Sequential) and not type(module).__name__.endswith("Head"):
            module.register_forward_hook(lambda module, inputs, output: counted.append(output.numel()))
    image = torch.zeros(1, 1, scaling.resolution, scaling.resolution)
    with torch.inference_mode():
        logits = built(image)
    assert logits.shape == (1, 10)
    assert sum(weights.numel() for weights in built.parameters()) == costs_of(architecture).parameters
    assert sorted(counted) == sorted(layer.outputs for layer in layers_of(architecture))
    floats = costs_of(architecture).parameters + sum(counted) + image.numel()
    assert memory_of(architecture) == pytest.approx(FLOAT_BYTES * floats / MEGABYTE, rel=1e-12)
    names = list(dict.fromkeys(layer.part for layer in layers_of(architecture)))
    assert names == list(dict.fromkeys(built.names)) and len(built.names) == len(built.parts)


def test_the_stem_is_scaled_with_the_rest():
    assert architecture_of("preactresnet18", Scaling(5, 10, 32)).stem == 32
    assert architecture_of("preactresnet18", Scaling(5, 10, 32), scaled_stem=False).stem == 64


def test_scalings_that_round_to_one_network_have_one_key():
    keys = {architecture_of("preactresnet18", Scaling(10, depth, 32)).key for depth in range(1, 21)}
    assert len(keys) == 4, "1 block a stage up to 0.9, 2 up to 1.4, 3 up to 1.9, then 4"
    every = [architecture_of(network, scaling).key for network in FAMILIES for scaling in SCALINGS]
    assert len(set(every)) == len(every)


def test_channels_are_never_much_fewer_than_asked_for():
    for tenths in range(1, 51):
        for wanted, got in zip(
            (64, 128, 256, 512), architecture_of("preactresnet18", Scaling(tenths, 10, 32)).widths, strict=True
        ):
            assert got % 8 == 0 and got >= 0.9 * wanted * tenths / 10


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ((0.25, 1.0, 32), "width is 0.25; give a multiple of 0.1"),
        ((1.0, float("nan"), 32), "depth is nan"),
        ((0.0, 1.0, 32), "width of (0, 1, 32) is out of range; (width, depth, resolution) goes from (0.1, 0.1, 4)"),
        ((1.0, 1.0, 3), "resolution of (1, 1, 3) is out of range"),
        ((1.0, 5.1, 32), "depth of (1, 5.1, 32)"),
    ],
)
def test_scalings_off_the_grid_are_refused(factors, message):
    with pytest.raises(UserError) as refused:
        parse_scaling(*factors)
    assert message in str(refused.value)


def test_drift_of_single_precision_does_not_change_the_network():
    drifted = float(torch.tensor(2.0, dtype=torch.float32) - 5 * torch.tensor(0.1, dtype=torch.float32))
    assert parse_scaling(1.4, drifted, 32) == Scaling(14, 15, 32)


def test_unknown_networks_are_answered_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'preactresnet18'"):
        architecture_of("preactresnet_18", SCALINGS[0])
