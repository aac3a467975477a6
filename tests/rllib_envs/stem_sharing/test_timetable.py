from __future__ import annotations

from collections.abc import Sequence

import pytest

from rllib_envs.stem_sharing.executor.messages import BadNets, read_request, request
from rllib_envs.stem_sharing.executor.timetable import Timetable
from rllib_envs.stem_sharing.nets import WireNet, nets
from rllib_envs.stem_sharing.schedule import Choice
from tests.rllib_envs.stem_sharing.test_deploying import NETWORK, applications

STREAM = 15.0


def wire(points: Sequence[int], rates: Sequence[float]) -> tuple[WireNet, ...]:
    schedule = tuple(map(Choice, points, rates))
    return read_request(request(nets(NETWORK, applications(points), schedule)))


@pytest.mark.parametrize("rates", [(15, 15, 15, 15), (4, 3, 1, 2), (7, 13, 0.5, 15), (14, 15, 11, 1), (0.1, 0.2, 1, 5)])
def test_every_net_looks_as_often_as_it_should(rates: tuple[float, ...]) -> None:
    sent = wire([10, 30, 30, 0], rates)
    table = Timetable(sent, STREAM)
    seconds = 60
    for frame in range(seconds * int(STREAM)):
        running = table.at(frame)
        parents = {table.parents[place] for place in running}
        assert running == sorted(running) and parents <= {None, *running}
        if frame >= 3 * STREAM:
            wanted = [net.target_fps for net in sent if not net.shared]
            assert table.reached(frame + 1) == pytest.approx(wanted, rel=0.07)
    for net, looks in zip(sent, table.looks, strict=True):
        assert abs(looks - net.target_fps * seconds) <= 1


def test_frames_that_nobody_had_time_for_count() -> None:
    table = Timetable(wire([10, 10, 0], [15, 5, 1]), STREAM)
    for frame in range(0, 300, 2):
        table.at(frame)
    assert sorted(table.reached(300)) == pytest.approx([1, 5, 7.5], rel=0.05)


def test_after_a_pause_one_look_is_made_up_for() -> None:
    table = Timetable(wire([0], [5]), STREAM)
    ran = [frame for frame in (0, *range(31, 60)) if table.at(frame)]
    assert ran[:6] == [0, 31, 32, 33, 36, 39]


def test_nothing_is_faster_than_the_video() -> None:
    with pytest.raises(BadNets, match="net 0 is to run at 16 frames/s; the video has 15"):
        Timetable(wire([0], [16]), STREAM)
