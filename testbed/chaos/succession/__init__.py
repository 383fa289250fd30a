"""Faults one after the other while calls go on: conversations and their account."""
