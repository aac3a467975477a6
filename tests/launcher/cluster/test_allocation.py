"""What a task of a job finds out about where it runs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from launcher.cluster.allocation import ADDRESS_VARIABLE, Allocation, resolve

STEP = {
    "SLURM_JOB_ID": "70",
    "SLURM_RESTART_COUNT": "2",
    "SLURM_PROCID": "1",
    "SLURM_NTASKS": "3",
    "SLURMD_NODENAME": "n2",
    "SLURM_CPUS_ON_NODE": "4",
    "SLURM_GPUS_ON_NODE": "2",
    "SLURM_MEM_PER_NODE": "2000",
}


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ADDRESS_VARIABLE, "SLURM_MEM_PER_CPU", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in STEP.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("step")
def test_the_step_says_what_there_is() -> None:
    here = Allocation.here()
    assert here == Allocation("70.2", 1, 3, "n2", 4, 2, 2000 << 20)


@pytest.mark.usefixtures("step")
def test_memory_for_each_processor_is_the_nodes_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_MEM_PER_NODE")
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "700")
    assert Allocation.here().memory_bytes == 2800 << 20


def test_without_slurm_it_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*STEP, ADDRESS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,3")
    here = Allocation.here()
    assert (here.rank, here.nodes, here.node, here.gpus, here.memory_bytes) == (0, 1, "local", 2, 0)
    assert here.address() == "127.0.0.1"


@pytest.mark.usefixtures("step")
def test_of_several_addresses_it_is_the_one_that_slurm_uses(slurm_cluster: Path) -> None:
    assert Allocation.here().address() == "127.0.0.1"


@pytest.mark.usefixtures("step")
def test_the_user_may_choose_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ADDRESS_VARIABLE, "fd00::2")
    assert Allocation.here().address() == "fd00::2"


def test_a_host_with_both_is_reached_by_ipv4_and_one_without_by_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(*families: socket.AddressFamily):
        addresses = {socket.AF_INET: ("10.0.0.7", 0), socket.AF_INET6: ("fd00::7", 0, 0, 0)}
        return lambda *_, **__: [(family, socket.SOCK_STREAM, 6, "", addresses[family]) for family in families]

    monkeypatch.setattr(socket, "getaddrinfo", answers(socket.AF_INET6, socket.AF_INET))
    assert resolve("node7") == "10.0.0.7"
    monkeypatch.setattr(socket, "getaddrinfo", answers(socket.AF_INET6))
    assert resolve("node7") == "fd00::7"
