"""Where results are kept: run directories, and files that are replaced whole or not at all."""

from models.store.run_directory import RunDirectory, list_runs

__all__ = ["RunDirectory", "list_runs"]
