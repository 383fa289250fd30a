"""What this installation has and has not: capabilities, the tests that prove them, the settings that turn them on."""
