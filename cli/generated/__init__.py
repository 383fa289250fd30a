"""Files of the repository that are made from the code, and checked to be."""
