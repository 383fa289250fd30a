"""A model's text as it streams, as phrases fit to be spoken: pure."""
