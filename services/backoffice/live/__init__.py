"""Calls that are up: how they stand, told as it changes, and what may be asked of them."""
