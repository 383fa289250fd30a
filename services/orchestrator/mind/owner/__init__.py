"""A new owner, a new leg: what goes on and what is made up for."""
