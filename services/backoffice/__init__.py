"""For operators, beside the calls: what was, what is, who is told, and the way in."""
