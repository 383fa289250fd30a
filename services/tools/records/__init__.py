"""The agents' own data: seeds from `agents/<name>/data/`, and what tools have written since."""
