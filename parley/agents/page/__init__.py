"""`wrapper.json`: what the page shows of an agent."""
