"""Scripted turns and the caller who says them."""
