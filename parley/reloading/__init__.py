"""What changes while a process runs: files that are edited, settings that are set anew."""
