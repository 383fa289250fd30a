"""What sounds when, and what was heard of it."""
