"""What every request to the API goes through, and how lists, times and errors are told."""
