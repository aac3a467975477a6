"""A stand-in for a Weights & Biases server, which the real client talks to over HTTP on this host."""

from tests.wandb_server.server import WandbServer

__all__ = ["WandbServer"]
