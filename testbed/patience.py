"""How long a test waits for what must come: far longer than it takes, also on a machine that is five times slower."""

PATIENCE_S = 60.0
