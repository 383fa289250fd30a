"""What JetStream keeps in order: written to it, read from it, followed."""
