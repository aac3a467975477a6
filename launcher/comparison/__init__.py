"""`tunewright compare`: a policy against searches and baselines, and where that is kept."""
