"""Searches and baselines on equal budgets, and the report that compares them with a policy."""
