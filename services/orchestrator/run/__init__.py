"""The loop that carries decisions out, and what it works with."""
