"""Tune the kernels of a whole network, and see what that does to its latency."""
