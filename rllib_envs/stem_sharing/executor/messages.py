"""What scheduler and executor say to each other: a JSON list of nets, and the rates that were reached.

The reply has frames/s for each net that is not shared, in their order, with commas between; or `error: ` and what is
wrong. The nets are `nets.Net.message()`. Whoever sends them is not trusted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from rllib_envs.errors import TunewrightError, UserError
from rllib_envs.names import choose
from rllib_envs.stem_sharing.checked import finite, whole
from rllib_envs.stem_sharing.executor.calls import Line
from rllib_envs.stem_sharing.nets import NOBODY, Net, WireNet

LONGEST_BYTES = 1 << 20
"""Of a message: room for thousands of nets, and soon read."""
MOST_NETS = 1024
LONGEST_TEXT = 4096
"""Characters of a name or path."""
MOST_SIDE = 1 << 13
"""Pixels of a frame's side, and channels."""
MOST_RATE = 1000.0
"""Frames/s."""
REFUSAL = "error: "
PURPOSE = b"tunewright stem sharing executor\n"
"""Of the key that a token makes."""


class BadNets(UserError):
    """What was sent are no nets that could run."""


class Refused(TunewrightError):
    """The executor says why it doesn't run the nets."""


class ExecutorGone(TunewrightError):
    """Nobody answers at the executor's address."""


def line_to(address: str, token: str | None) -> Line:
    return Line(address, token, PURPOSE, LONGEST_BYTES)


def request(nets: Sequence[Net]) -> bytes:
    return json.dumps([net.message() for net in nets]).encode()


def read_request(message: bytes) -> tuple[WireNet, ...]:
    """The nets, parents before children and none faster than its parent. Raises BadNets."""
    if len(message) > LONGEST_BYTES:
        raise BadNets(f"the message has {len(message)} bytes; {LONGEST_BYTES} are allowed")
    try:
        content = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise BadNets(f"the message is no JSON ({error}); send a list of nets") from None
    if not isinstance(content, list) or not 0 < len(content) <= MOST_NETS:
        raise BadNets(f"the message has to be a list of 1 to {MOST_NETS} nets")
    try:
        nets = tuple(_net(entry, f"net {index}") for index, entry in enumerate(content))
    except ValueError as error:  # a UserError, or Python's for a number of thousands of digits
        raise BadNets(str(error)) from None
    _check_together(nets)
    return nets


def reply(rates: Sequence[float]) -> bytes:
    return ",".join(map(repr, map(float, rates))).encode()


def refusal(error: TunewrightError) -> bytes:
    return f"{REFUSAL}{type(error).__name__}: {' '.join(str(error).split())[:LONGEST_TEXT]}".encode()


def read_reply(message: bytes, count: int) -> list[float]:
    """Rates of `count` nets. Raises Refused, and ExecutorGone when it is no executor that answers."""
    text = message[:LONGEST_BYTES].decode(errors="replace")
    if text.startswith(REFUSAL):
        raise Refused(f"the executor refuses: {text.removeprefix(REFUSAL)}")
    try:
        return [finite(float(part), "a rate", low=0) for part in _parts(text, count)]
    except ValueError:
        raise ExecutorGone(f"what answers is no executor: {count} rates expected, got {text[:80]!r}") from None


def _parts(text: str, count: int) -> list[str]:
    parts = text.split(",")
    if len(parts) != count:
        raise ValueError(text)
    return parts


def _net(entry: Any, what: str) -> WireNet:
    if not isinstance(entry, dict):
        raise BadNets(f"{what} has to be an object, got {entry!r:.80}")
    names = [field.name for field in fields(WireNet)]
    for name in entry:
        choose(name, names, f"entry of {what}")
    if missing := [name for name in names if name not in entry]:
        raise BadNets(f"{what} has no {missing[0]}")
    if not isinstance(entry["shared"], bool):
        raise BadNets(f"shared of {what} has to be true or false, got {entry['shared']!r:.80}")
    rate = finite(entry["target_fps"], f"target_fps of {what}", 0, MOST_RATE)
    if rate == 0:
        raise BadNets(f"target_fps of {what} has to be more than 0")
    return WireNet(
        net_id=whole(entry["net_id"], f"net_id of {what}"),
        app_id=_app(entry, what),
        parent_id=NOBODY if entry["parent_id"] == NOBODY else whole(entry["parent_id"], f"parent_id of {what}"),
        target_fps=rate,
        shared=entry["shared"],
        input_layer=_text(entry, "input_layer", what),
        output_layer=_text(entry, "output_layer", what),
        model_path=_text(entry, "model_path", what),
        channels=_side(entry, "channels", what),
        width=_side(entry, "width", what),
        height=_side(entry, "height", what),
    )


def _app(entry: Mapping[str, Any], what: str) -> str | int:
    app = entry["app_id"]
    if entry["shared"] != (app == NOBODY):
        raise BadNets(f"{what} is of application {app!r:.80}; nets that are shared, and only those, are of {NOBODY}")
    if isinstance(app, int) and not isinstance(app, bool):
        return app
    return _text(entry, "app_id", what)


def _text(entry: Mapping[str, Any], name: str, what: str) -> str:
    text = entry[name]
    if not isinstance(text, str) or not text.isprintable() or len(text) > LONGEST_TEXT:
        raise BadNets(f"{name} of {what} has to be text of one line, got {text!r:.80}")
    return text


def _side(entry: Mapping[str, Any], name: str, what: str) -> int:
    side = whole(entry[name], f"{name} of {what}", low=1)
    if side > MOST_SIDE:
        raise BadNets(f"{name} of {what} is {side}; {MOST_SIDE} are allowed")
    return side


def _check_together(nets: Sequence[WireNet]) -> None:
    known: dict[int, WireNet] = {}
    apps = [str(net.app_id) for net in nets if not net.shared]
    for net in nets:
        parent = known.get(net.parent_id)
        if net.net_id in known:
            raise BadNets(f"two nets have the net_id {net.net_id}; give each one of its own")
        if net.parent_id != NOBODY and (parent is None or not parent.shared):
            raise BadNets(f"the parent of net {net.net_id} is {net.parent_id}, which is no shared net before it")
        if parent and parent.output_layer != net.input_layer:
            raise BadNets(f"net {net.net_id} takes {net.input_layer!r}, and its parent gives {parent.output_layer!r}")
        if parent and parent.target_fps < net.target_fps:
            raise BadNets(f"net {net.net_id} is to run at {net.target_fps:g} frames/s, more than its parent does")
        if (net.channels, net.height, net.width) != (nets[0].channels, nets[0].height, nets[0].width):
            raise BadNets(f"net {net.net_id} has another channels, height or width than the first; there is one video")
        known[net.net_id] = net
    if not apps or len(set(apps)) < len(apps):
        raise BadNets("two nets have the same app_id" if apps else "no net is of an application")
