"""How much processor time sharing a stem saves, measured on running networks. About a minute.

python bench/stem_sharing_executor.py [--seconds 5] [--rounds 3]

Eight applications on one video, with the accuracies that Jiang et al. 2018 measured of MobileNet. For budgets that are
shares of one whole network at full rate, the best plan is compared with the cheapest one without sharing that finds
events as well (mean F1), and with itself when every application runs its whole network. The networks are MobileNets
with random weights. They run as the executor runs them, on one thread, but as fast as they can; the plans take turns,
and times are of the processor.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import torch
from report import Bar, report

from rllib_envs.stem_sharing.application import Application, Variant
from rllib_envs.stem_sharing.executor.frames import SyntheticFrames
from rllib_envs.stem_sharing.executor.messages import read_request, request
from rllib_envs.stem_sharing.executor.pipeline import Pipeline
from rllib_envs.stem_sharing.executor.timetable import Timetable
from rllib_envs.stem_sharing.generate import STREAM_RATE
from rllib_envs.stem_sharing.layered.model_file import Model
from rllib_envs.stem_sharing.layered.registry import build, tensor_names
from rllib_envs.stem_sharing.nets import WireNet, nets
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.schedule import Schedule
from rllib_envs.stem_sharing.schedulers import exact, without_sharing
from rllib_envs.stem_sharing.task import Task

PUBLISHED = {
    "flowers": ((0.8244, 0.8203, 0.7929, 0.7119), 0.0441, 0.2),
    "cars": ((0.9517, 0.9517, 0.9, 0.8966), 0.0102, 0.5),
    "cats": ((0.7957, 0.7957, 0.7569, 0.7557), 0.0825, 0.3),
    "train": ((0.9958, 0.9958, 0.9932, 0.9864), 0.1563, 0.0138),
    "pedestrian": ((0.8533, 0.8533, 0.8533, 0.8385), 0.1444, 0.3),
    "bus": ((0.936, 0.932, 0.903, 0.872), 0.064, 0.2),
    "schoolbus": ((0.8333, 0.8317, 0.8, 0.785), 0.1667, 0.2),
    "redcar": ((0.6785, 0.6657, 0.628, 0.6009), 0.3217, 0.2),
}
"""Accuracies by freeze point, rate of false alarms (of the first freeze point, taken for all) and share of the time
with events: the measurements that come with the program of Jiang et al. 2018, github.com/angelajiang/mainstream."""
FREEZE_POINTS = (0, 33, 75, 81)
"""As Keras counts layers."""
EVENT_MS, CORRELATION = 500.0, 0.107
BUDGETS = {0.25: 2.0, 0.5: 1.0, 1.0: 1.0}
"""Whole networks at full rate, and how many times as fast sharing has to be. With more, the best plan shares little:
each application looks as often as it needs to, with a network that is nearly all its own."""
SETTINGS = {"classes": 2, "width": 32}
SHAPE = (3, 128, 128)
REPEATS = 30
"""Of each layer, for what it costs."""
NARROW = 0.01
"""The cheapest plan without sharing is found to so much of its cost."""
VIDEO = SyntheticFrames()
Outputs = dict[tuple[int, str], torch.Tensor]
"""By frame and application."""


@cache
def trained(path: str) -> Model:
    """A model as a trainer could have made it: of bus@33 33 layers are the base's, the rest its own."""
    name, point = path.split("@")
    base, own = drawn(0), drawn(1 + list(PUBLISHED).index(name))
    layers = torch.nn.Sequential()
    for index, (layer, kept) in enumerate(base.named_children()):
        layers.add_module(layer, kept if index < int(point) else own[index])
    return Model(layers, "mobilenet_keras", SETTINGS, SHAPE, int(point), ("event", "nothing"))


def drawn(seed: int) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    return build("mobilenet_keras", SETTINGS)


@torch.inference_mode()
def measured_network() -> BaseNetwork:
    """With what each layer takes here, in milliseconds."""
    layers, frame, latencies = drawn(0), VIDEO.frame(0, SHAPE), []
    for layer in layers:
        times = []
        for _ in range(REPEATS):
            began = time.process_time()
            output = layer(frame)
            times.append(1000 * (time.process_time() - began))
        latencies.append(statistics.median(times))
        frame = output
    return BaseNetwork(tuple(latencies), tensor_names(layers), *SHAPE)


def applications() -> tuple[Application, ...]:
    return tuple(
        Application(
            name,
            tuple(
                Variant(point, hit, alarm, f"{name}@{point}") for point, hit in zip(FREEZE_POINTS, hits, strict=True)
            ),
            EVENT_MS,
            frequency,
            CORRELATION,
        )
        for name, (hits, alarm, frequency) in PUBLISHED.items()
    )


def cheapest_unshared(task: Task, loss: float) -> Schedule:
    """Without sharing, and no worse than `loss`."""
    alone = without_sharing(task)
    low, high = alone.least, task.network.total * STREAM_RATE * len(task.applications)
    best = exact(replace(alone, budget=high))
    while high - low > NARROW * high:
        middle = (low + high) / 2
        found = exact(replace(alone, budget=middle))
        if task.loss(found) <= loss:
            best, high = found, middle
        else:
            low = middle
    return best


def sent(task: Task, schedule: Schedule) -> tuple[WireNet, ...]:
    return read_request(request(nets(task.network, task.applications, schedule)))


def each_alone(task: Task, schedule: Schedule) -> tuple[WireNet, ...]:
    """The same networks at the same rates, with nothing shared."""
    whole = [nets(task.network, (app,), (choice,))[0] for app, choice in zip(task.applications, schedule, strict=True)]
    return read_request(request([replace(net, net_id=index) for index, net in enumerate(whole)]))


def run(pipeline: Pipeline, wire: Sequence[WireNet], frames: int) -> tuple[float, Outputs]:
    """Processor time a frame in milliseconds, and what each application made of which frame."""
    timetable, seen = Timetable(wire, STREAM_RATE), {}
    began = time.process_time()
    for number in range(frames):
        for place, logits in pipeline.run(VIDEO.frame(number, SHAPE), timetable.at(number)).items():
            seen[number, str(wire[place].app_id)] = logits
    return 1000 * (time.process_time() - began) / frames, seen


def compare(task: Task, seconds: int, rounds: int) -> tuple[dict[str, float], float]:
    """Times as fast as each way without sharing (median over the rounds), and the share of equal outputs."""
    shared = exact(task)
    unshared = cheapest_unshared(task, task.loss(shared))
    ways = {
        "shared": sent(task, shared),
        "unshared, same F1": sent(task, unshared),
        "unshared, same plan": each_alone(task, shared),
    }
    pipelines = {name: Pipeline(wire, trained) for name, wire in ways.items()}
    times: dict[str, list[float]] = {name: [] for name in ways}
    outputs = {}
    for _ in range(rounds):
        for name, wire in ways.items():
            took, outputs[name] = run(pipelines[name], wire, seconds * STREAM_RATE)
            times[name].append(took)
    for name, plan in zip(ways, (shared, unshared, shared), strict=True):
        choices = " ".join(f"{choice.freeze_point}@{choice.rate:g}" for choice in plan)
        print(f"  {name}: {statistics.median(times[name]):.2f} ms a frame, F1 {1 - task.loss(plan):.4f}, {choices}")
    ratios = {
        name: statistics.median(slow / fast for slow, fast in zip(times[name], times["shared"], strict=True))
        for name in list(ways)[1:]
    }
    return ratios, same_outputs(outputs["shared"], outputs["unshared, same plan"])


def same_outputs(shared: Outputs, alone: Outputs) -> float:
    """Share of the looks at the same frame that gave the same, bit for bit."""
    both = shared.keys() & alone.keys()
    return sum(torch.equal(shared[look], alone[look]) for look in both) / len(both)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=5, help="of video in each round")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = measured_network()
    print(f"a whole network takes {network.total:.2f} ms")
    bars, same = {}, []
    for budget, goal in BUDGETS.items():
        print(f"budget {budget:g}: freeze point @ frames/s", flush=True)
        task = Task(applications(), network, budget * network.total * STREAM_RATE, STREAM_RATE)
        ratios, equal = compare(task, arguments.seconds, arguments.rounds)
        bars |= {f"budget {budget:g}, {name}": Bar(ratio, goal, "times as fast") for name, ratio in ratios.items()}
        same.append(equal)
    report("stem_sharing_executor", {**bars, "looks with bit-identical outputs": Bar(100 * min(same), 100, "%")})


if __name__ == "__main__":
    main()
