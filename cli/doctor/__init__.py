"""`parley doctor`."""
