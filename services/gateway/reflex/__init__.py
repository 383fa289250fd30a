"""Silence when the caller begins, before anybody was asked."""
