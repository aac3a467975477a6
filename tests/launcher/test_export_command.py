"""`tunewright export`, and `tunewright train --export`, as a person types them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from launcher.export import ExportConfig, run_export
from launcher.training.config import TrainConfig
from models.policy import Policy
from rllib_envs.errors import UserError
from rllib_envs.toy import Toy
from tests.launcher.test_commands import one_line, tunewright
from tests.models.toy_policies import random_states, untrained


def scores(file, states):
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(["scores"], states)[0]


def test_training_exports_its_policy_and_so_does_the_command(toy_suite, tmp_path):
    options = ("--dataset", toy_suite, "--iter", 1, "--eval-size", 0, "--export", "onnx")
    run = tunewright("train", *options, cwd=tmp_path, environment={"LOOP_TOOL_ROOT": ""})
    assert run.returncode == 0 and run.stderr == "", run.stderr
    (path,) = (tmp_path / "runs").iterdir()
    assert "exported: " in run.stdout and "policy.onnx" in run.stdout
    again = tunewright("export", path, "--format", "onnx", "--out", "again/policy.onnx", cwd=tmp_path)
    assert again.returncode == 0 and again.stderr == "" and "again/policy.onnx" in again.stdout, again.stderr
    states = random_states(Toy(), 7)
    trained = scores(path / "policy" / "policy.onnx", states)
    np.testing.assert_array_equal(scores(tmp_path / "again" / "policy.onnx", states), trained)
    first = {name: array[0] for name, array in states.items()}
    np.testing.assert_allclose(trained[0], Policy.load(path).scores(first), atol=1e-5)
    refused = tunewright("export", path, "--out", "again/policy.onnx", cwd=tmp_path)
    one_line(refused, 2, "again/policy.onnx exists already")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format": "onx"}, "did you mean 'onnx'"),
        ({"out": Path("policy.pt")}, r"suffix \.onnx"),
        ({"policy": Path("nowhere")}, "nowhere does not exist"),
    ],
)
def test_bad_input_is_one_error(fields, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    untrained("q").save(tmp_path / "policy")
    with pytest.raises(UserError, match=message):
        run_export(ExportConfig(**{"policy": Path("policy"), **fields}))
    assert [path.name for path in tmp_path.iterdir()] == ["policy"]


def test_an_unknown_format_is_refused_before_training():
    with pytest.raises(UserError, match="did you mean 'onnx'"):
        TrainConfig(dataset="toy", export="onx").check()


def test_a_missing_package_is_named_before_training(toy_suite, tmp_path):
    (tmp_path / "onnx.py").write_text("raise ImportError('No module named onnx', name='onnx')")
    environment = {"PYTHONPATH": str(tmp_path), "LOOP_TOOL_ROOT": ""}
    run = tunewright("train", "--dataset", toy_suite, "--export", "onnx", cwd=tmp_path, environment=environment)
    one_line(run, 3, "pip install 'tunewright[export]'")
    assert not (tmp_path / "runs").exists()
