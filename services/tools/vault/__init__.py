"""Where card numbers of calls under way wait for the tool that takes them."""
