"""`tunewright train`: options, a run that is begun or gone on with, and sweeps."""
