"""Whose call it is, and what is kept of it."""
