"""The API: one file for each resource, each a function `router(parts)`."""
