"""Messages and records as events, effects and state, and back."""
