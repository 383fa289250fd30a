"""Faults in the middle of calls: who calls and what is said, what is broken and when, and what became of it."""
