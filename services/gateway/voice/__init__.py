"""Text on its way to tts, and the sound that comes back."""
