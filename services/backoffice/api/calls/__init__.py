"""Calls on record, calls that are up, and what may be done to them."""
