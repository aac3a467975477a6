"""What a person or a cluster starts: the `tunewright` command and its parts."""
