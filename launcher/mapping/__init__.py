"""Compute graphs on a streaming engine: what users give, modes 2 to 5, and answers."""
