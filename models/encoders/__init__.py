"""Encoders: a state as a set of entities and what concerns the whole becomes one vector."""
