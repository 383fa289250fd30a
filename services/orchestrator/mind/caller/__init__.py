"""What the caller does, and when that takes the floor from the bot."""
