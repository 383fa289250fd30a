"""What every process does for itself."""
