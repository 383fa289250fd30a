"""What the bot does: rounds, words, tools, what was heard of them."""
