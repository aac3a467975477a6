"""Placing compute graphs on a streaming engine: the model, its rules, evaluators, and a decoder of valid mappings."""
