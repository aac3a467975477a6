"""Running nets: what is said between scheduler and executor, both ends of it, and executors."""
