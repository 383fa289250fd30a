"""What callers say of themselves (a date of birth, a name, a number), however they say it, in one spelling. Pure."""
