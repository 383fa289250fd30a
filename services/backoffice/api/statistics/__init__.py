"""Statistics of calls."""
