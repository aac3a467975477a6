"""Commands of `launcher/network_scaling.py`: search, evaluate, and the tables."""
