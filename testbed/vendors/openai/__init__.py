"""OpenAI's chat completions, as the SDK meets them, and scripts of what the model says."""
