"""Tasks: what they are read from, what is refused and how, and that numpy computes what loops would."""

from __future__ import annotations

import itertools
from copy import deepcopy

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.kernel_tuning.operators import OPERATORS
from rllib_envs.kernel_tuning.task import KernelTask
from rllib_envs.kernel_tuning.workload import make_workload
from rllib_envs.problem import Benchmark
from rllib_envs.suite import Suite
from tests.rllib_envs.kernel_tuning.kernels import CONV2D, DENSE, SPECS, TASKS


@pytest.mark.parametrize("name", TASKS)
def test_spec_and_text_stand_for_the_task(name: str) -> None:
    task = TASKS[name]
    again = KernelTask.from_benchmark(task.to_benchmark(name))
    assert again == task and again.text == task.text and hash(again) == hash(task)
    assert task.to_spec() == SPECS[name], "what has its default is left out"


def test_shipped_suites_have_every_operator() -> None:
    tasks = [KernelTask.from_benchmark(one) for one in Suite.load("kernel_tuning").benchmarks]
    assert len(set(tasks)) == 8 and {task.operator for task in tasks} == set(OPERATORS)
    upstream = {one.name: KernelTask.from_benchmark(one) for one in Suite.load("kernel_tuning_upstream").benchmarks}
    assert set(upstream) == {"matmul1", "matmul2", "conv1", "conv2"}
    assert upstream["conv2"].shapes[-1] == (20, 33, 24, 49)
    assert upstream["conv1"].flops == 2 * 144 * 32 * 28 * 28


def changed(spec, **changes):
    spec = deepcopy(spec)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = spec
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return spec


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (changed(DENSE, operator="densee"), "unknown operator 'densee'; did you mean 'dense'"),
        (changed(DENSE, operator=None), "unknown operator 'None'"),
        (changed(DENSE, operater="dense"), "unknown field of a kernel 'operater'; did you mean 'operator'"),
        (changed(DENSE, sizes=None), "sizes must be an object with m, n, k; got None"),
        (changed(DENSE, sizes__k=None), "sizes lacks k"),
        (changed(DENSE, sizes__q=3), "unknown size 'q'"),
        (changed(DENSE, sizes__k=0), "size k must be a whole number from 1"),
        (changed(DENSE, sizes__k=2.5), "size k must be a whole number from 1"),
        (changed(DENSE, sizes__k=True), "size k must be a whole number from 1"),
        (changed(DENSE, sizes={"m": 2**20, "n": 2**20, "k": 1}), "a tensor of 1,099,511,627,776 elements"),
        (changed(DENSE, epilogue="relu"), "epilogue must be a list of bias, relu"),
        (changed(DENSE, epilogue=["gelu"]), "unknown epilogue 'gelu'; did you mean 'relu'"),
        (changed(DENSE, epilogue=["relu", "relu"]), "epilogue has the same step twice"),
        (changed(DENSE, target={"kind": "llvm"}), "target must be 'native' or the name of a processor"),
        (changed(DENSE, design=-1), "design must be a whole number from 0"),
        (changed(DENSE, factors=[1, "2"]), "factors must be a list of whole numbers"),
        (changed(CONV2D, sizes__kernel=30), "sizes leave no place for the window"),
    ],
)
def test_what_makes_no_sense_is_named(spec, words: str) -> None:
    with pytest.raises(UserError, match="benchmark 'mine': ") as refusal:
        KernelTask.from_benchmark(Benchmark("mine", "kernel_tuning", spec))
    assert words in str(refusal.value)


def by_loops(task: KernelTask, data, weight) -> np.ndarray:
    """Without numpy's products: element by element."""
    size, (*_, shape) = task.size, task.shapes
    output = np.zeros(shape)
    for place in itertools.product(*map(range, shape)):
        if task.operator in ("dense", "batch_matmul"):
            *batch, m, n = place
            output[place] = sum(data[(*batch, m, k)] * weight[(*batch, k, n)] for k in range(size["k"]))
            continue
        image, channel, y, x = place
        depthwise = task.operator == "depthwise_conv2d"
        for c, i, j in itertools.product(*map(range, weight.shape[1:])):
            row, column = (at * size["stride"] + off - size["padding"] for at, off in ((y, i), (x, j)))
            if 0 <= row < size["height"] and 0 <= column < size["width"]:
                output[place] += data[image, channel if depthwise else c, row, column] * weight[channel, c, i, j]
    return output


@pytest.mark.parametrize("name", TASKS)
def test_expected_output_is_what_loops_compute(name: str) -> None:
    task = TASKS[name]
    workload = make_workload(task)
    assert [values.shape for values in workload.inputs] == list(task.shapes[:-1])
    data, weight, *bias = (values.astype(float) for values in workload.inputs)
    expected = by_loops(task, data, weight)
    for step in task.epilogue:
        if step == "relu":
            expected = np.maximum(expected, 0)
        else:
            expected += bias[0].reshape([-1 if axis == task.form.channels else 1 for axis in range(expected.ndim)])
    np.testing.assert_allclose(workload.expected, expected, atol=1e-12)
    assert workload.fault(expected.astype(np.float32)) == ""


def test_faults_are_found_and_told() -> None:
    workload = make_workload(TASKS["dense"])
    output = workload.expected.astype(np.float32)
    output[3, 5] = np.nan
    assert workload.fault(output).startswith("1 of 512 elements are wrong, the first at [3, 5]: nan instead of ")
    output[3, 5] = workload.expected[3, 5] + 2 * workload.tolerance[3, 5]
    assert "[3, 5]" in workload.fault(output)
    assert workload.tolerance.max() < 1e-5
