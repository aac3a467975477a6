"""Deploying over ZeroMQ, to a simulator and to the executor itself."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

import pytest
import zmq

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.executor.client import ExecutorClient
from rllib_envs.stem_sharing.executor.frames import ImageFolder, SyntheticFrames
from rllib_envs.stem_sharing.executor.messages import LONGEST_BYTES, ExecutorGone, Refused
from rllib_envs.stem_sharing.executor.pipeline import Seen
from rllib_envs.stem_sharing.executor.server import Runs, Server
from rllib_envs.stem_sharing.executor.simulator import Simulator
from rllib_envs.stem_sharing.executor.torch_executor import TorchExecutor
from rllib_envs.stem_sharing.nets import WireNet, nets
from rllib_envs.stem_sharing.schedule import Choice
from rllib_envs.stem_sharing.scheduler import MOST_DEPLOYMENTS
from tests.rllib_envs.stem_sharing.stem_models import base_network, write_applications
from tests.rllib_envs.stem_sharing.tasks import three_applications
from tests.rllib_envs.stem_sharing.test_deploying import NETWORK, Capacity, deployed, scheduler


@contextmanager
def serving(runs: Runs, address: str = "tcp://127.0.0.1:*", token: str | None = None) -> Iterator[str]:
    """The address of a server in a thread of its own."""
    over = threading.Event()
    with Server(address, token) as server:
        thread = threading.Thread(target=server.serve, args=(runs, lambda line: None, over.is_set))
        thread.start()
        try:
            yield server.address
        finally:
            over.set()
            thread.join()


def say(address: str, message: bytes) -> str:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger, socket.rcvtimeo = 0, 10_000
        socket.connect(address)
        socket.send(message)
        return socket.recv().decode()


def test_a_simulator_behind_the_protocol_is_one_in_the_process() -> None:
    network = three_applications().network
    with serving(Simulator(network, 150.0)) as address:
        turns = scheduler().deploy(400, ExecutorClient(address))
    assert turns == scheduler().deploy(400, Capacity(network, 150.0))
    assert turns[-1].near and 1 < len(turns) <= MOST_DEPLOYMENTS


def test_the_reply_has_a_rate_for_each_application() -> None:
    nets = [net.message() for net in deployed([10, 30, 40, 0], [2, 4, 8, 8])]
    assert all([field.name for field in fields(WireNet)] == list(net) for net in nets)
    with serving(Simulator(NETWORK, 1e9)) as address:
        assert say(address, json.dumps(nets).encode()) == "8.0,2.0,4.0,8.0"


def net(**changes: object) -> dict[str, object]:
    whole = deployed([0], [2])[0].message()
    return {**whole, "input_layer": "layer_0", **changes}


SHARED = net(app_id=-1, shared=True, output_layer="layer_10")
CHILD = net(net_id=1, parent_id=0, input_layer="layer_10")
BAD: list[tuple[Callable[[], bytes], str]] = [
    (lambda: b"\xff\xfe", "is no JSON"),
    (lambda: b"[" * 100_000, "is no JSON"),
    (lambda: b"{}", "a list of 1 to 1024 nets"),
    (lambda: b"[]", "a list of 1 to 1024 nets"),
    (lambda: b" " * (LONGEST_BYTES + 1), "bytes"),
    (lambda: b"[7]", "net 0 has to be an object"),
    (lambda: json.dumps([net(fps=3)]).encode(), "unknown entry of net 0"),
    (lambda: json.dumps([{"net_id": 0}]).encode(), "net 0 has no app_id"),
    (lambda: json.dumps([net(target_fps=float("nan"))]).encode(), "target_fps of net 0"),
    (lambda: json.dumps([net(target_fps=10**400)]).encode(), "target_fps of net 0"),
    (lambda: json.dumps([net(target_fps=0)]).encode(), "more than 0"),
    (lambda: json.dumps([net(net_id="9" * 5000)]).encode(), "digits"),
    (lambda: json.dumps([net(), net(app_id="b")]).encode(), "two nets have the net_id 0"),
    (lambda: json.dumps([net(), net(net_id=1)]).encode(), "two nets have the same app_id"),
    (lambda: json.dumps([SHARED]).encode(), "no net is of an application"),
    (lambda: json.dumps([net(shared=True)]).encode(), "those, are of -1"),
    (lambda: json.dumps([net(parent_id=0)]).encode(), "which is no shared net before it"),
    (lambda: json.dumps([net(), CHILD | {"app_id": "b"}]).encode(), "which is no shared net before it"),
    (lambda: json.dumps([SHARED, CHILD | {"input_layer": "layer_9"}]).encode(), "its parent gives 'layer_10'"),
    (lambda: json.dumps([SHARED, CHILD | {"target_fps": 3}]).encode(), "more than its parent does"),
    (lambda: json.dumps([SHARED, CHILD | {"width": 7}]).encode(), "there is one video"),
    (lambda: json.dumps([net(width=10**6)]).encode(), "8192 are allowed"),
    (lambda: json.dumps([net(model_path="a\x1b[2J")]).encode(), "text of one line"),
    (lambda: json.dumps([net(input_layer="nowhere")]).encode(), "no tensor 'nowhere'"),
]


def test_bad_messages_are_refused_and_the_executor_lives_on() -> None:
    with serving(Simulator(three_applications().network, 1e9)) as address:
        for make, message in BAD:
            told = say(address, make())
            assert told.startswith("error: BadNets: ") and message in told and len(told) < 5000
        assert say(address, json.dumps([SHARED, CHILD]).encode()) == "2.0"


def test_an_executor_that_refuses() -> None:
    with serving(Simulator(three_applications().network, 1e9)) as address, pytest.raises(Refused, match="BadNets: "):
        ExecutorClient(address).deploy(deployed([10, 10], [1, 1]))


def test_an_executor_that_is_gone() -> None:
    wanted = deployed([10], [2])
    with zmq.Context() as context, context.socket(zmq.REP) as silent, context.socket(zmq.REP) as leaving:
        silent.linger = leaving.linger = 0
        port, other = (socket.bind_to_random_port("tcp://127.0.0.1") for socket in (silent, leaving))
        client = ExecutorClient(f"tcp://127.0.0.1:{port}", connect_s=0.5, reply_s=0.5)
        with pytest.raises(ExecutorGone, match=r"no answer after 0.5 s"):
            client.deploy(wanted)
        thread = threading.Thread(target=lambda: (leaving.recv(), leaving.close()))
        thread.start()
        with pytest.raises(ExecutorGone, match="it went away"):
            ExecutorClient(f"tcp://127.0.0.1:{other}", reply_s=60).deploy(wanted)
        thread.join()
    with pytest.raises(ExecutorGone, match=r"nobody is there after 0.5 s"):
        client.deploy(wanted)
    with serving(Simulator(NETWORK, 1e9), f"tcp://127.0.0.1:{port}"):
        assert client.deploy(wanted) == [2.0], "as soon as there is one again"


def test_only_who_knows_the_token_is_listened_to() -> None:
    wanted, token = deployed([0], [2]), "of no fewer than 24 characters"
    with pytest.raises(UserError, match="give both sides a --token"):
        Server("tcp://*:*")
    with serving(Simulator(NETWORK, 1e9), "tcp://0.0.0.0:*", token) as address:
        address = address.replace("0.0.0.0", "127.0.0.1")
        for other in (None, token + "!"):
            with pytest.raises(ExecutorGone, match=r"nobody is there"):
                ExecutorClient(address, other, connect_s=0.3, reply_s=5).deploy(wanted)
        assert ExecutorClient(address, token).deploy(wanted) == [2.0]


def test_what_answers_but_is_no_executor() -> None:
    class Odd:
        def deploy(self, nets: Sequence[WireNet]) -> list[float]:
            return [float("nan")]

        def work(self) -> float:
            return 1.0

    with serving(Odd()) as address, pytest.raises(ExecutorGone, match="1 rates expected, got 'nan'"):
        ExecutorClient(address).deploy(deployed([0], [2]))
    with pytest.raises(UserError, match="is no address"):
        ExecutorClient("localhost").deploy(deployed([0], [2]))


def test_the_executor_runs_what_is_deployed(tmp_path: Path) -> None:
    apps = write_applications(tmp_path, [[4], [4], [9], [0]])
    schedule = tuple(Choice(point, rate) for point, rate in zip((4, 4, 9, 0), (2.0, 10.0, 5.0, 1.0), strict=True))
    seen: list[Seen] = []
    executor = TorchExecutor(tmp_path, SyntheticFrames(), 20.0, 1.0, seen.append)
    with serving(executor) as address:
        rates = ExecutorClient(address).deploy(nets(base_network(), apps, schedule))
        assert len(rates) == 4 and all(0 < rate <= 10 for rate in rates)
        looked = len(seen)
        missing = deployed([0], [2])
        with pytest.raises(Refused, match=r"there is no model .*0.pt"):
            ExecutorClient(address).deploy(missing)
        told = say(address, json.dumps([net(model_path="../x")]).encode())
        assert "is not in the executor's folder" in told
        threading.Event().wait(0.5)
        assert len(seen) > looked, "what was refused changes nothing, and between messages the nets run on"
    assert {one.app_id for one in seen} == {"app_0", "app_1", "app_2", "app_3"}


def test_images(tmp_path: Path) -> None:
    from PIL import Image

    with pytest.raises(UserError, match="has no images"):
        ImageFolder(tmp_path)
    for name, grey in (("b.png", 255), ("a.png", 0)):
        Image.new("RGB", (30, 20), (grey, grey, 128)).save(tmp_path / name)
    video = ImageFolder(tmp_path)
    first, second, third = (video.frame(number, (3, 8, 12)) for number in range(3))
    assert first.shape == (1, 3, 8, 12) and (first[0, 0] == -1).all() and (second[0, 0] == 1).all()
    assert first.equal(third) and first[0, 2].mean().item() == pytest.approx(128 * 2 / 255 - 1, abs=1e-6)
    (tmp_path / "c.jpg").write_bytes((tmp_path / "a.png").read_bytes()[:50])
    with pytest.raises(UserError, match=r"c.jpg can't be decoded as an image"):
        ImageFolder(tmp_path)
