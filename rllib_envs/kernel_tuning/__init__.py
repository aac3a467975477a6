"""Kernel tuning: choose the knobs of a kernel's schedule, such as tile sizes and unrolling, for the fastest kernel."""
