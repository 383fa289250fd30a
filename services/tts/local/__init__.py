"""The local voice: espeak-ng in a process of its own, and the pipe to it."""
