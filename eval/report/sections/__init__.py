"""What the sections of a report say, each in a file of its own."""
