"""Carrying out the searches of a comparison, in this process or in others that each have a core of their own."""
