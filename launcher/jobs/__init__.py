"""Jobs: submit an application to SLURM, or start it here, and watch it."""
