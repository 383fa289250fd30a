"""What is told of calls to whoever looks at them, and only then."""
