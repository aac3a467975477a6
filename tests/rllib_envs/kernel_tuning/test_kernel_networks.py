"""The networks are what their papers describe, and their kernels come from TVM with how often they are called."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.measure import KernelMeasurer
from rllib_envs.kernel_tuning.networks.blocks import ConvNorm
from rllib_envs.kernel_tuning.networks.build import SOURCES, build
from rllib_envs.kernel_tuning.networks.names import NETWORKS
from rllib_envs.kernel_tuning.networks.process import NetworkProcess
from rllib_envs.kernel_tuning.networks.protocol import TORCH, TUNED, UNTUNED
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def networks():
    with NetworkProcess() as process:
        yield process


def weights_in(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())


def test_names_are_those_of_the_sources() -> None:
    assert tuple(SOURCES) == NETWORKS


@pytest.mark.parametrize(
    ("name", "weights", "outputs"), [("resnet18", 11_689_512, (1, 1000)), ("mobilenet_v2", 3_504_872, (1, 1000))]
)
def test_networks_have_the_published_number_of_weights(name: str, weights: int, outputs: tuple[int, ...]) -> None:
    """As torchvision's documentation gives them, too."""
    assert weights_in(SOURCES[name].build()) == weights
    network = build(name)
    assert network.module(network.input).shape == outputs
    assert not any(isinstance(part, nn.BatchNorm2d) for part in network.module.modules())


def test_folding_changes_nothing_but_rounding() -> None:
    torch.manual_seed(0)
    block, images = ConvNorm(3, 8, 3, 2).eval(), torch.randn(1, 3, 9, 9)
    assert isinstance(block.norm, nn.BatchNorm2d)
    block.norm.running_mean = torch.randn(8)
    block.norm.running_var = torch.rand(8) + 0.5
    before = block(images)
    block.fold()
    assert torch.allclose(block(images), before, atol=1e-5) and isinstance(block.norm, nn.Identity)


def test_networks_are_the_same_each_time() -> None:
    one, other = build("mlp"), build("mlp")
    assert torch.equal(one.module(one.input), other.module(other.input))


@pytest.mark.slow
def test_kernels_are_merged_and_counted(networks: NetworkProcess) -> None:
    found = networks.extract("transformer_block")
    assert not found.left_out
    weights = {one.task.shapes: one.weight for one in found.tasks}
    assert weights[(64, 256), (256, 256), (256,), (64, 256)] == 4, "query, key, value and output are one kernel"
    assert weights[(4, 64, 64), (4, 64, 64), (4, 64, 64)] == 2, "so are the two products of attention"
    assert len({one.task.digest for one in found.tasks}) == len(found.tasks)


def test_a_network_without_schedules_answers_as_pytorch_does(networks: NetworkProcess) -> None:
    for how in (TORCH, UNTUNED):
        timed = networks.latency("mlp", how)
        assert timed.error < 1e-5 and 0 < timed.seconds <= timed.median and timed.applied == 0
    with pytest.raises(UserError, match="unknown network 'resnet'; did you mean 'resnet18'"):
        networks.extract("resnet")


@pytest.mark.slow
def test_kernels_of_networks_are_measured_and_their_records_applied(
    networks: NetworkProcess, measurer: KernelMeasurer, tmp_path: Path
) -> None:
    first = networks.extract("mlp").tasks[-1].task
    assert first.shapes == ((16, 256), (256, 512), (512,), (16, 512))
    opened = measurer.open(first)
    gene = opened.space.random(np.random.default_rng(0))
    measured = measurer.measure(first, gene)
    assert measured.status == "ok" and measured.seconds > 0, measured.reason
    assert measurer.measure_untuned(first).status == "ok"
    assert measurer.open(replace(first, design=opened.designs - 1)).design == opened.designs - 1
    assert measurer.write_database(first, [(gene, measured.seconds)], tmp_path / "records") == 1
    timed = networks.latency("mlp", TUNED, tmp_path / "records")
    assert timed.applied == 1 and timed.error < 1e-5


def test_records_that_can_not_be_read_are_named(networks: NetworkProcess, tmp_path: Path) -> None:
    (tmp_path / "database_workload.json").write_text("no records\n")
    with pytest.raises(UserError, match="can't be read"):
        networks.latency("mlp", TUNED, tmp_path)


UNSUPPORTED = """
from rllib_envs.tvm_host import prepare_import
import sys
prepare_import()
del sys.modules["torch"]
import torch
from rllib_envs.kernel_tuning.networks.build import Network
from rllib_envs.kernel_tuning.networks.relax_module import imported

class Spectrum(torch.nn.Module):
    def forward(self, signal):
        return torch.fft.rfft(signal).real

try:
    imported(Network(Spectrum(), torch.ones(1, 8)), "this network")
except ValueError as error:
    print(error)
"""


@pytest.mark.slow
def test_operators_that_tvm_lacks_are_named() -> None:
    done = subprocess.run([sys.executable, "-c", UNSUPPORTED], capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "TVM can't import this network: the operators " in done.stdout and "fft" in done.stdout
