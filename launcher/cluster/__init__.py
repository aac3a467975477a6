"""Ray inside an allocation of SLURM's, or on this machine."""
