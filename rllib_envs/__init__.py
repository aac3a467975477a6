"""Tuning problems on one contract, and the Gymnasium environment built on it."""
