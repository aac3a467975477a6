"""Showing a run elsewhere while it trains: TensorBoard's event files, and a mirror at Weights & Biases."""
