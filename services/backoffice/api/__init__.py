"""The API: a file for each resource, or a folder, each with a function `router(parts)`."""
