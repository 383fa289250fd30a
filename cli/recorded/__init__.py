"""Recorded calls: read, and decided again."""
