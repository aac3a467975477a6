"""`tunewright tune`: one task, by whatever policy or search there is for it."""
