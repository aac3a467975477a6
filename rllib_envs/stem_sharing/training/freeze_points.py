"""Which freeze points are trained, as users ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rllib_envs.errors import UserError
from rllib_envs.names import choose

STEP = 5
EVERY = "all"


class Points(NamedTuple):
    """A published list, and of how many layers the network has to be that it is for."""

    layers: int
    points: tuple[int, ...]


PUBLISHED: Mapping[str, Points] = {
    "mobilenets": Points(85, (0, 3, 9, 15, 21, 27, 33, 39, 45, 51, 57, 63, 69, 75, 81, 84)),
    "resnet": Points(178, (0, 2, 3, 4, 5, 17, 27, 37, 49, 59, 69, 79, 91, 101, 111, 121, 131, 141, 153, 163, 173, 177)),
    "inception": Points(314, (0, 4, 7, 10, 11, 14, 17, 18, 41, 64, 87, 101, 133, 165, 197, 229, 249, 280, 311, 313)),
}
"""Of MobileNet, ResNet-50 and InceptionV3 as Keras numbers their layers (Jiang et al. 2018). The last of each keeps a
layer of random weights, in front of the classifier."""


def parse_points(indices: str, names: Sequence[str], trained: int) -> tuple[int, ...]:
    """From "all", a name of PUBLISHED, a highest point N for 0, 5, ..., N, or points with commas between them.

    `names` are the network's layers, the first `trained` of which have been trained before. A published list's points
    beyond them are left out. UserError for others, and for what is no list.
    """
    if indices == EVERY:
        return tuple(range(trained + 1))
    if indices in PUBLISHED:
        needed, points = PUBLISHED[indices]
        if needed != len(names):
            raise UserError(
                f"{indices} are the freeze points of a network of {needed} layers, and this one has {len(names)}; give "
                f"{EVERY}, a number, or points such as 0,{trained // 2},{trained}"
            )
        return tuple(point for point in points if point <= trained)
    parts = indices.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        choose(indices, (EVERY, *PUBLISHED), "list of freeze points (or give a number, or some with commas)")
    numbers = [int(part) for part in parts]
    points = tuple(range(0, numbers[0] + 1, STEP)) if len(numbers) == 1 else tuple(sorted(set(numbers)))
    if points[-1] > trained:
        raise UserError(
            f"freeze point {points[-1]} would keep {_layer(names, trained)}, which nobody has trained; the highest is "
            f"{trained}"
        )
    return points


def _layer(names: Sequence[str], number: int) -> str:
    return f"layer {names[number]}" if number < len(names) else "layers that there aren't"
