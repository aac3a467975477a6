"""Nets that share layers compute what the whole networks do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rllib_envs.errors import UserError
from rllib_envs.stem_sharing.executor.messages import BadNets, read_request, request
from rllib_envs.stem_sharing.executor.pipeline import Pipeline
from rllib_envs.stem_sharing.layered.model_file import read_model, same_stem, write_model
from rllib_envs.stem_sharing.layered.registry import NETWORKS, build
from rllib_envs.stem_sharing.nets import WireNet, nets
from rllib_envs.stem_sharing.schedule import Choice
from tests.rllib_envs.stem_sharing.stem_models import SHAPE, base_network, write_applications


def sent(folder: Path, points: tuple[int, ...]) -> tuple[WireNet, ...]:
    apps = write_applications(folder, [[point] for point in points])
    schedule = tuple(Choice(point, float(1 + index)) for index, point in enumerate(points))
    return read_request(request(nets(base_network(), apps, schedule)))


@pytest.mark.parametrize("points", [(0, 4, 4, 9), (11, 11, 11), (1, 2, 3, 4), (12, 12), (6,), (0, 0)])
def test_shared_execution_is_bit_identical(tmp_path: Path, points: tuple[int, ...]) -> None:
    wire = sent(tmp_path, points)
    frames = torch.rand(3, 1, *SHAPE, generator=torch.Generator().manual_seed(1))
    pipeline = Pipeline(wire, lambda path: read_model(tmp_path / path))
    outputs = []
    for frame in frames:
        found = pipeline.run(frame, range(len(wire)))
        assert len(found) == len(points)
        for place, logits in found.items():
            with torch.inference_mode():
                alone = read_model(tmp_path / wire[place].model_path).layers(frame)
            assert torch.equal(logits, alone)
        outputs.append(torch.cat(list(found.values())))
    assert not torch.equal(outputs[0], outputs[1]), "frames differ"
    seen = list(pipeline.seen(7, found))
    assert {one.app_id for one in seen} == {f"app_{index}" for index in range(len(points))}
    assert all(one.frame == 7 and one.label in ("bus", "car", "nothing") and one.probability >= 1 / 3 for one in seen)


@pytest.mark.parametrize("name", NETWORKS)
def test_no_layer_changes_what_it_is_given(name: str) -> None:
    inputs = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        for layer in build(name, {"classes": 2}):
            before = inputs.clone()
            outputs = layer(inputs)
            assert torch.equal(inputs, before)
            inputs = outputs


def test_only_nets_of_the_same_stem_share_it(tmp_path: Path) -> None:
    wire = sent(tmp_path, (4, 4))
    path = tmp_path / wire[-1].model_path
    model = read_model(path)
    models = [read_model(tmp_path / net.model_path) for net in wire[1:]]
    assert same_stem(models, 4) and not same_stem(models, 5)
    model.layers[2].body[1].running_mean += 1e-6
    write_model(path, replace(model))
    with pytest.raises(BadNets, match=r"app_1-4.safetensors has not kept the first 4 layers"):
        Pipeline(wire, lambda path: read_model(tmp_path / path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"output_layer": "block_77"}, "no tensor 'block_77'"),
        ({"output_layer": "input"}, "no layers from 'input' to 'input'"),
        ({"input_layer": "block_1"}, "not where its parent ends"),
        ({"height": 17}, "sees frames of 3 x 17 x 24"),
    ],
)
def test_nets_that_do_not_fit_the_models(tmp_path: Path, change: dict[str, object], message: str) -> None:
    first, *others = sent(tmp_path, (4, 4))
    with pytest.raises(BadNets, match=message):
        Pipeline((replace(first, **change), *others), lambda path: read_model(tmp_path / path))  # type: ignore[arg-type]


def damaged(path: Path, **changes: str) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(path, framework="pt") as file:
        words = file.metadata() | changes
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(weights, path, metadata=words)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "pickle"}, "is no model of tunewright-layers"),
        ({"version": "2"}, "is no model of tunewright-layers"),
        ({"network": "mobil"}, "did you mean 'mobile'"),
        ({"settings": json.dumps({"classes": 4, "width": 4})}, r"head.5.bias is float32 \[3\] where float32 \[4\]"),
        ({"settings": json.dumps({"classes": 3, "width": 9})}, "is needed"),
        ({"settings": json.dumps({"clases": 3})}, "did you mean 'classes'"),
        ({"settings": "{"}, "its settings can't be read"),
        ({"settings": json.dumps({"classes": 3, "width": 10**9})}, "at most 65536"),
        ({"input": "[3, 16]"}, "channels, height and width"),
        ({"freeze_point": "13"}, "keeps 13 layers"),
        ({"labels": '["bus"]'}, "1 labels for 3 classes"),
    ],
)
def test_files_that_are_no_models(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    path = tmp_path / sent(tmp_path, (4,))[0].model_path
    damaged(path, **changes)
    with pytest.raises(UserError, match=message):
        read_model(path)
    with pytest.raises(UserError, match="there is no model"):
        read_model(tmp_path / "missing")
    path.write_bytes(b"{}")
    with pytest.raises(UserError, match="can't be read as a model"):
        read_model(path)
