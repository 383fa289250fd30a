"""Tools that an agent has by its agent.yaml, without code of its own."""
