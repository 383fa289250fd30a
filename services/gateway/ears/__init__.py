"""What the caller says, on its way to stt, and what stt makes of it."""
