"""The commands of `parley`: a file, or a folder, for each. `__main__` has the list."""
