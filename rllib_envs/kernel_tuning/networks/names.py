"""The names of the networks, for those who must not import PyTorch or TVM."""

from __future__ import annotations

NETWORKS = ("small_cnn", "mlp", "transformer_block", "resnet18", "mobilenet_v2")
