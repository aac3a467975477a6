"""Tuners of kernels set against each other: the same trials, the same first population, many seeds."""
