"""How much processor time sharing a stem saves, measured on running networks. About a minute.

python bench/stem_sharing_executor.py [--budget 1.0] [--seconds 10] [--rounds 3]

Eight random applications of one small network on one video. The shared plan is the best one within a budget of one whole
network at full rate. It is compared with the cheapest plan without sharing that finds events as well (mean F1), and with
the same plan, freeze points and rates, when every application runs its whole network. Networks run as the executor runs
them, on one thread, but as fast as they can; the plans take turns, and times are of the processor.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import torch
from report import Bar, report

from rllib_envs.stem_sharing.application import Application
from rllib_envs.stem_sharing.executor.frames import SyntheticFrames
from rllib_envs.stem_sharing.executor.messages import WireNet, read_request, request
from rllib_envs.stem_sharing.executor.pipeline import Pipeline
from rllib_envs.stem_sharing.executor.timetable import Timetable
from rllib_envs.stem_sharing.generate import STREAM_RATE, random_application
from rllib_envs.stem_sharing.layered.model_file import Model
from rllib_envs.stem_sharing.layered.registry import build, tensor_names
from rllib_envs.stem_sharing.nets import nets
from rllib_envs.stem_sharing.network import BaseNetwork
from rllib_envs.stem_sharing.schedule import Schedule
from rllib_envs.stem_sharing.schedulers import exact, without_sharing
from rllib_envs.stem_sharing.task import Task

APPLICATIONS = 8
FREEZE_POINTS = (0, 2, 4, 6, 8, 10, 11)
SETTINGS = {"classes": 2, "width": 16}
SHAPE = (3, 96, 96)
REPEATS = 30
"""Of each layer, for what it costs."""
NARROW = 0.01
"""The cheapest plan without sharing is found to so much of its cost."""
SPEED_UP = 2.0
VIDEO = SyntheticFrames()


@cache
def trained(path: str) -> Model:
    """A model as a trainer could have made it: app_3@6 has six layers of the base and the rest of its own."""
    name, point = path.split("@")
    base, own = drawn(0), drawn(1 + int(name.removeprefix("app_")))
    layers = torch.nn.Sequential()
    for index, (layer, kept) in enumerate(base.named_children()):
        layers.add_module(layer, kept if index < int(point) else own[index])
    return Model(layers, "mobile", SETTINGS, SHAPE, int(point), ("event", "nothing"))


def drawn(seed: int) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    return build("mobile", SETTINGS)


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


def random_applications(network: BaseNetwork) -> tuple[Application, ...]:
    rng = np.random.default_rng(0)
    apps = [random_application(rng, f"app_{index}", FREEZE_POINTS, network.layers) for index in range(APPLICATIONS)]
    return tuple(
        replace(
            app, variants=tuple(one._replace(model_path=f"{app.app_id}@{one.freeze_point}") for one in app.variants)
        )
        for app in apps
    )


def cheapest_unshared(task: Task, loss: float) -> Schedule:
    """Without sharing, and no worse than `loss`."""
    alone = without_sharing(task)
    low, high = alone.least, task.network.total * STREAM_RATE * APPLICATIONS
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


def run(pipeline: Pipeline, wire: Sequence[WireNet], frames: int) -> tuple[float, dict[tuple[int, str], torch.Tensor]]:
    """Processor time a frame in milliseconds, and what each application made of which frame."""
    timetable, seen = Timetable(wire, STREAM_RATE), {}
    began = time.process_time()
    for number in range(frames):
        for place, logits in pipeline.run(VIDEO.frame(number, SHAPE), timetable.at(number)).items():
            seen[number, str(wire[place].app_id)] = logits
    return 1000 * (time.process_time() - began) / frames, seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", type=float, default=1.0, help="whole networks at full rate")
    parser.add_argument("--seconds", type=int, default=10, help="of video in each round")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = measured_network()
    apps = random_applications(network)
    task = Task(apps, network, arguments.budget * network.total * STREAM_RATE, STREAM_RATE)
    shared = exact(task)
    unshared = cheapest_unshared(task, task.loss(shared))
    print(f"a whole network takes {network.total:.2f} ms; freeze points {[choice.freeze_point for choice in shared]}")
    plans = {"shared": shared, "unshared, same F1": unshared, "unshared, same plan": shared}
    wires = {name: sent(task, plan) for name, plan in plans.items()} | {"unshared, same plan": each_alone(task, shared)}
    pipelines = {name: Pipeline(wire, trained) for name, wire in wires.items()}
    times: dict[str, list[float]] = {name: [] for name in plans}
    outputs = {}
    for _ in range(arguments.rounds):
        for name, wire in wires.items():
            took, outputs[name] = run(pipelines[name], wire, arguments.seconds * STREAM_RATE)
            times[name].append(took)
    for name, plan in plans.items():
        rates = [round(choice.rate, 1) for choice in plan]
        print(f"{name}: {statistics.median(times[name]):.2f} ms a frame, F1 {1 - task.loss(plan):.4f}, rates {rates}")
    same = same_outputs(outputs["shared"], outputs["unshared, same plan"])
    bars = {f"8 applications, {name}": speed_up(times[name], times["shared"]) for name in list(plans)[1:]}
    report("stem_sharing_executor", {**bars, "looks with bit-identical outputs": Bar(100 * same, 100, "%")})


def same_outputs(shared: dict[tuple[int, str], torch.Tensor], alone: dict[tuple[int, str], torch.Tensor]) -> float:
    """Share of the looks at the same frame that gave the same, bit for bit."""
    both = shared.keys() & alone.keys()
    return sum(torch.equal(shared[look], alone[look]) for look in both) / len(both)


def speed_up(slow: Sequence[float], fast: Sequence[float]) -> Bar:
    """Median over the rounds."""
    return Bar(statistics.median(one / other for one, other in zip(slow, fast, strict=True)), SPEED_UP, "times as fast")


if __name__ == "__main__":
    main()
