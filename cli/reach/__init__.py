"""What commands reach of a house that runs: its gateway, its NATS, its calls."""
