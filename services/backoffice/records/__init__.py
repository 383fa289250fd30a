"""What happened in all calls: folded out of the events, kept, searched, forgotten."""
