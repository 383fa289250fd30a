"""What is decided, and what with: pure. `turn.step` is the way in."""
