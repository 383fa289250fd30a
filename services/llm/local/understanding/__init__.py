"""What the caller means: the agent's domain learned from its files, and a sentence measured against it."""
