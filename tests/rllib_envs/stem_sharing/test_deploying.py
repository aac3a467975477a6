from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.events import EventLength
from rllib_envs.stem_sharing.generate import random_task
from rllib_envs.stem_sharing.nets import NOBODY, Net, cost_of, nets
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.schedule import Choice, cost
from rllib_envs.stem_sharing.scheduler import MOST_DEPLOYMENTS, Scheduler
from tests.rllib_envs.stem_sharing.tasks import COMPATIBLE, three_applications

NETWORK = BaseNetwork((1.0,) * 41, {0: "input", 10: "conv1", 30: "pool", 41: "softmax"})


def applications(freeze_points: Sequence[int]) -> tuple[Application, ...]:
    return tuple(
        Application(f"app_{index}", (Variant(point, 0.9, 0.1, f"{index}.pt"),))
        for index, point in enumerate(freeze_points)
    )


def deployed(freeze_points: Sequence[int], rates: Sequence[float]) -> list[Net]:
    schedule = tuple(map(Choice, freeze_points, rates))
    return nets(NETWORK, applications(freeze_points), schedule)


def test_nets_in_order() -> None:
    found = deployed([10, 30, 40, 0], [2, 4, 8, 8])
    assert [(net.app_id, net.parent_id, net.input_layer, net.output_layer, net.target_fps) for net in found] == [
        ("app_3", NOBODY, "input", "softmax", 8),
        (NOBODY, NOBODY, "input", "conv1", 8),
        ("app_0", 1, "conv1", "softmax", 2),
        (NOBODY, 1, "conv1", "pool", 8),
        ("app_1", 3, "pool", "softmax", 4),
        ("app_2", 3, "pool", "softmax", 8),
    ]
    assert [net.net_id for net in found] == list(range(6))
    assert found[2].message()["model_path"] == "0.pt" and "start" not in found[2].message()


@pytest.mark.parametrize("points", [(10, 40, 40), (1, 10, 40), (0, 0), (7,), (5, 5, 5), (0, 3, 3, 40)])
def test_what_is_deployed_costs_what_was_planned(points: tuple[int, ...]) -> None:
    rates = [float(3 * index % 7 + 1) for index in range(len(points))]
    found = deployed(points, rates)
    assert cost_of(NETWORK, found) == pytest.approx(cost(NETWORK, tuple(map(Choice, points, rates))))
    assert sorted(str(net.app_id) for net in found if not net.shared) == [f"app_{i}" for i in range(len(points))]
    for net in found:
        assert net.parent_id < net.net_id and net.start < net.end
        assert net.start == (0 if net.parent_id == NOBODY else found[net.parent_id].end)


def test_random_schedules_cost_what_was_planned() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        task = random_task(rng, int(rng.integers(1, 9)), EventLength.CORRECTED)
        schedule = tuple(
            Choice(app.variants[rng.integers(len(app.variants))].freeze_point, float(rng.integers(1, 16)))
            for app in task.applications
        )
        found = nets(task.network, task.applications, schedule)
        assert cost_of(task.network, found) == pytest.approx(task.cost(schedule))


class Capacity:
    """An executor that does as much as it can, which nobody tells the scheduler."""

    def __init__(self, network: BaseNetwork, most: float) -> None:
        self.network, self.most, self.asked = network, most, list[float]()

    def deploy(self, deployed: Sequence[Net]) -> Sequence[float]:
        self.asked.append(cost_of(self.network, deployed))
        share = min(1.0, self.most / self.asked[-1])
        return [net.target_fps * share for net in deployed if not net.shared]


def scheduler(**options: str) -> Scheduler:
    task = three_applications()
    apps = [app.to_spec() for app in task.applications]
    return Scheduler(apps, {"stream_fps": 15}, task.network.to_spec(), COMPATIBLE, **options)


def test_a_schedule_from_dictionaries() -> None:
    report = scheduler().run(400)
    assert 1 - report.f1 == pytest.approx(0.129046, abs=1e-6)
    assert report.cost <= 400 and len(report.frozen) == len(report.fps) == 3
    assert report.relative_accuracy_loss == 0.0
    assert scheduler(mode="maxsharing").run(400).relative_accuracy_loss > 0.2


def test_deploying_converges_to_what_the_executor_can_do() -> None:
    ours, executor = scheduler(), Capacity(three_applications().network, most=150.0)
    turns = ours.deploy(400, executor)
    assert turns[-1].near and 1 < len(turns) <= MOST_DEPLOYMENTS
    assert turns[-1].planned_cost <= 150 / 0.8 + 1e-6
    assert all(turn.budget <= 400 for turn in turns)
    fast = Capacity(three_applications().network, most=1e6)
    assert [turn.near for turn in ours.deploy(400, fast)] == [True]


def test_an_executor_that_never_gets_there_ends_the_turns() -> None:
    class Stuck(Capacity):
        def deploy(self, deployed: Sequence[Net]) -> Sequence[float]:
            return [0.01 for net in deployed if not net.shared]

    turns = scheduler().deploy(400, Stuck(three_applications().network, 1.0))
    assert len(turns) == MOST_DEPLOYMENTS and not turns[-1].near


def test_an_application_that_never_gets_a_frame_sees_nothing() -> None:
    report = scheduler().report((Choice(1, 0.0), Choice(1, 2.0), Choice(1, 2.0)))
    alone = scheduler().report((Choice(1, 2.0),) * 3)
    assert report.fnr >= 1 / 3 and 0 < report.f1 < alone.f1
    assert scheduler().report((Choice(1, 0.0),) * 3)[:3] == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"app_id": "app_1"}, "two applications have the app_id 'app_1'"),
        ({"accuracies": {"1": 1.5}, "prob_tnrs": {"1": 0.1}}, r"accuracies\[1\] of application 'app_0' .* 0 to 1"),
        ({"accuracies": {}}, "needs accuracies"),
        ({"prob_tnrs": {"1": 0.1}}, "different freeze points; 10 is in one only"),
        ({"event_frequncy": 0.1}, "did you mean 'event_frequency'"),
        ({"accuracies": {"50": 0.5}, "prob_tnrs": {"50": 0.5}}, "the network has 41 layers"),
        ({"x_vote": -1}, "x_vote of application 'app_0'"),
    ],
)
def test_applications_that_make_no_sense(change: dict[str, object], message: str) -> None:
    task = three_applications()
    apps = [app.to_spec() for app in task.applications]
    apps[0] |= change
    with pytest.raises(UserError, match=message):
        Scheduler(apps, {"stream_fps": 15}, task.network.to_spec()).run(400)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_latencies": [-1.0] * 41}, "none below 0"),
        ({"total_layers": 7}, "total_layers 7 but 41"),
        ({"layer_latencies": "fast"}, "needs layer_latencies"),
        ({"widht": 224}, "did you mean 'width'"),
    ],
)
def test_networks_that_make_no_sense(change: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        BaseNetwork.from_spec(three_applications().network.to_spec() | change)
