"""One leg of one call, and its line to the mind."""
