"""What a caller's turn means, for whoever watches calls: how they feel, what they want. Off the voice path."""
