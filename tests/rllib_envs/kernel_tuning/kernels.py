"""Small kernels of every operator, and the measurer that the tests of this folder share."""

from __future__ import annotations

from rllib_envs.kernel_tuning.task import KernelTask

DENSE = {"operator": "dense", "sizes": {"m": 16, "n": 32, "k": 8}}
FUSED = {"operator": "dense", "sizes": {"m": 6, "n": 10, "k": 15}, "epilogue": ["bias", "relu"]}
BATCH_MATMUL = {"operator": "batch_matmul", "sizes": {"batch": 3, "m": 4, "n": 8, "k": 6}}
CONV2D = {
    "operator": "conv2d",
    "sizes": {"batch": 1, "in_channels": 4, "height": 9, "width": 7, "out_channels": 8, "kernel": 3, "padding": 1},
    "epilogue": ["bias", "relu"],
}
STRIDED = {
    "operator": "conv2d",
    "sizes": {"batch": 2, "in_channels": 3, "height": 11, "width": 8, "out_channels": 6, "kernel": 2, "stride": 3},
    "epilogue": ["relu", "bias"],
}
DEPTHWISE = {
    "operator": "depthwise_conv2d",
    "sizes": {"batch": 1, "channels": 8, "height": 10, "width": 12, "kernel": 3, "stride": 2, "padding": 1},
    "epilogue": ["bias"],
}
SPECS = {
    "dense": DENSE,
    "fused": FUSED,
    "batch_matmul": BATCH_MATMUL,
    "conv2d": CONV2D,
    "strided": STRIDED,
    "depthwise": DEPTHWISE,
}
TASKS = {name: KernelTask.from_spec(spec) for name, spec in SPECS.items()}
