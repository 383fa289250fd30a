"""What `parley agent` does: checks, schemas, versions."""
