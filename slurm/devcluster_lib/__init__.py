"""A real SLURM of several nodes on one host, for tests and for trying things out; standard library only.

`cli` is the way in and `cluster` what its commands do, with the help of `daemons` (how each is run), `configuration`
(what SLURM is told), `folder` (where everything lies) and `processes` (which of the host's are ours).
"""
